#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("tpm_public"), |bytes: &[u8]| {
    tests::fuzz_targets::run("tpm_public", bytes);
});
