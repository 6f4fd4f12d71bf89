#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("proof"), |bytes: &[u8]| {
    tests::fuzz_targets::run("proof", bytes);
});
