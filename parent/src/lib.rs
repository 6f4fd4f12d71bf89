//! The untrusted host: binary probity.
