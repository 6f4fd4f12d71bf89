#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("condition"), |bytes: &[u8]| {
    tests::fuzz_targets::run("condition", bytes);
});
