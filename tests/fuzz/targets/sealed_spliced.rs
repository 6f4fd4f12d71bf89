#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("sealed_spliced"), |bytes: &[u8]| {
    tests::fuzz_targets::run("sealed_spliced", bytes);
});
