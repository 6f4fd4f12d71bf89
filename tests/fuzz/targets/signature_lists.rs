#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("signature_lists"), |bytes: &[u8]| {
    tests::fuzz_targets::run("signature_lists", bytes);
});
