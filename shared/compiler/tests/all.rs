//! Integration tests of the compiler; one binary.

mod all {
    mod pack;
}
