#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("receipt_signed"), |bytes: &[u8]| {
    tests::fuzz_targets::run("receipt_signed", bytes);
});
