#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("policy_file"), |bytes: &[u8]| {
    tests::fuzz_targets::run("policy_file", bytes);
});
