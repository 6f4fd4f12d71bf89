#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("tpm_evidence"), |bytes: &[u8]| {
    tests::fuzz_targets::run("tpm_evidence", bytes);
});
