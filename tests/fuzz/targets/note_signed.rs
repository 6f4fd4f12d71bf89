#![no_main]
libfuzzer_sys::fuzz_target!(init: tests::fuzz_targets::start("note_signed"), |bytes: &[u8]| {
    tests::fuzz_targets::run("note_signed", bytes);
});
