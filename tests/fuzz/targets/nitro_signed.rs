#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("nitro_signed"), |bytes: &[u8]| {
    tests::fuzz_targets::run("nitro_signed", bytes);
});
