#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("cose_receipt"), |bytes: &[u8]| {
    tests::fuzz_targets::run("cose_receipt", bytes);
});
