#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("request"), |bytes: &[u8]| {
    tests::fuzz_targets::run("request", bytes);
});
