#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("names"), |bytes: &[u8]| {
    tests::fuzz_targets::run("names", bytes);
});
