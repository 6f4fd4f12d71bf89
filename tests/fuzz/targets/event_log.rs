#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("event_log"), |bytes: &[u8]| {
    tests::fuzz_targets::run("event_log", bytes);
});
