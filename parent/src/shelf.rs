//! The rule bundles that this host can show texts of, by bundle hash. An answer takes its reasons
//! from the bundle that its statement names: rules change while requests are in flight, and an old
//! proof is shown again after newer rules came. It must never hand out a bundle of another hash.

use crate::kept::kept;
use crate::limits::RULEBOOKS_MAX;
use crate::rulebook::Rulebook;
use crypto::Digest;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The bundle on the disk, and those that were in force.
#[derive(Debug)]
pub struct Shelf {
    books: RwLock<Books>,
}

#[derive(Debug)]
struct Books {
    /// What the disk had last; the enclave may refuse it yet.
    given: Arc<Rulebook>,
    /// What the enclave took into force, newest first. A refused bundle pushes none of them out.
    in_force: VecDeque<Arc<Rulebook>>,
}

impl Shelf {
    /// A shelf with what the disk has at the start.
    pub fn new(given: Rulebook) -> Self {
        let (given, in_force) = (Arc::new(given), VecDeque::new());
        Self { books: RwLock::new(Books { given, in_force }) }
    }

    /// The same with what an earlier process kept in `folder`. Texts that cannot be read are only
    /// missing from answers.
    pub fn with_kept(self, folder: &Path) -> Self {
        self.write().in_force = kept(folder).into();
        self
    }

    /// Takes what the disk has now. Comes before the offer: the enclave may evaluate under the new
    /// rules before it has said that it took them.
    pub fn give(&self, book: Rulebook) {
        self.write().given = Arc::new(book);
    }

    /// What the disk had last.
    pub fn given(&self) -> Arc<Rulebook> {
        Arc::clone(&self.read().given)
    }

    /// Notes that the enclave has this bundle in force, so that it is kept when others come.
    pub fn confirm(&self, hash: &Digest) {
        let mut books = self.write();
        let known = books.in_force.iter().position(|book| book.hash() == *hash);
        let book = match known.and_then(|place| books.in_force.remove(place)) {
            Some(book) => book,
            None if books.given.hash() == *hash => Arc::clone(&books.given),
            // In force since before this process, and not on the disk: there are no texts of it.
            None => return,
        };
        books.in_force.push_front(book);
        books.in_force.truncate(RULEBOOKS_MAX);
    }

    /// The bundle with this hash.
    pub fn find(&self, hash: &Digest) -> Option<Arc<Rulebook>> {
        let books = self.read();
        let mut all = std::iter::once(&books.given).chain(&books.in_force);
        all.find(|book| book.hash() == *hash).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Books> {
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Books> {
        self.books.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::signed_bundle_of;

    fn book(version: u64) -> Rulebook {
        Rulebook::parse(&signed_bundle_of(version, "fine")).unwrap()
    }

    #[test]
    fn bundles_that_were_in_force_outlive_refused_ones_but_not_many_newer() {
        let shelf = Shelf::new(book(1));
        let first = book(1).hash();
        shelf.confirm(&first);
        for refused in 100..110 {
            shelf.give(book(refused));
            assert_eq!(shelf.given().version(), refused);
        }
        assert_eq!(shelf.find(&first).map(|book| book.version()), Some(1));
        assert!(shelf.find(&book(100).hash()).is_none());
        let kept = RULEBOOKS_MAX as u64;
        for version in 2..=kept + 1 {
            assert!(shelf.find(&first).is_some());
            shelf.give(book(version));
            shelf.confirm(&book(version).hash());
            // Said twice, as after a renewal, it takes one place.
            shelf.confirm(&book(version).hash());
        }
        assert!(shelf.find(&first).is_none());
        assert!(shelf.find(&book(2).hash()).is_some());
    }
}
