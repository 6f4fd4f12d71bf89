//! Everything about `screen` from the outside. Must never depend on a file of the corpora being
//! there.

mod answers;
mod bars;
mod folding;
mod format;
mod speed;
mod support;
