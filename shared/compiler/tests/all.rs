//! Integration tests of the compiler; one binary.

mod all {
    mod cel_cases;
    mod cel_sort;
    mod decimal;
    mod differential;
    mod differential_vm;
    mod front;
    mod front_conformance;
    mod front_errors;
    mod front_flow;
    mod front_fuzz;
    mod front_rule;
    mod front_support;
    mod interpret;
    mod interpret_conformance;
    mod interpret_record;
    mod interpret_tables;
    mod pack;
    mod pack_book;
    mod pack_boundaries;
    mod pack_language;
    mod pack_tables;
    mod textproto;
    mod wasm;
}
