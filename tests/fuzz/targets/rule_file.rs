#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("rule_file"), |bytes: &[u8]| {
    tests::fuzz_targets::run("rule_file", bytes);
});
