#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("sealed"), |bytes: &[u8]| {
    tests::fuzz_targets::run("sealed", bytes);
});
