//! probity.
fn main() {}
