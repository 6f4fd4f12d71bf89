//! Round trips of statement, envelope and view.
