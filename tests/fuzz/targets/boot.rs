#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("boot"), |bytes: &[u8]| {
    tests::fuzz_targets::run("boot", bytes);
});
