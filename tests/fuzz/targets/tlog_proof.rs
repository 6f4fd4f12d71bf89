#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("tlog_proof"), |bytes: &[u8]| {
    tests::fuzz_targets::run("tlog_proof", bytes);
});
