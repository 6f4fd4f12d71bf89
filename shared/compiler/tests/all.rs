//! Integration tests of the compiler; one binary.

mod all {
    mod textproto;
    mod front_conformance;
    mod cel_sort;
    mod cel_cases;
    mod decimal;
    mod differential;
    mod differential_vm;
    mod interpret;
    mod interpret_conformance;
    mod interpret_record;
    mod interpret_tables;
    mod pack;
    mod wasm;
}
