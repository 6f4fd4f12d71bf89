//! `rules list`: a list of names from published files, as a bundle holds it.

use super::command::List;

/// Makes a list; what is in it.
pub(crate) fn answer(arguments: &List) -> anyhow::Result<String> {
    anyhow::bail!("{:?}: not wired yet", arguments.form)
}
