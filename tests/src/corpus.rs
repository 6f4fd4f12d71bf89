//! Data that others published, read where it is present. A test whose corpus is absent says that
//! it was ignored.

use std::path::PathBuf;

/// A folder of the corpora beside the checkout, or `None` after saying that it is absent.
pub fn folder(name: &str) -> Option<PathBuf> {
    let path = crate::root().join("../shared/corpora").join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("ignored: corpus {name} is absent");
    None
}
