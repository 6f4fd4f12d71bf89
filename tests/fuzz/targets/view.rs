#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("view"), |bytes: &[u8]| {
    tests::fuzz_targets::run("view", bytes);
});
