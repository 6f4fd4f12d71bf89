#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("message"), |bytes: &[u8]| {
    tests::fuzz_targets::run("message", bytes);
});
