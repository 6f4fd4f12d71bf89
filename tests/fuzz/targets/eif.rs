#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("eif"), |bytes: &[u8]| {
    tests::fuzz_targets::run("eif", bytes);
});
