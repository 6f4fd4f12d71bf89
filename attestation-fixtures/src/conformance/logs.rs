//! Sets of proofs of one boot's log (check P9): whole, with a gap, forked, and with quotes that no
//! one log can have had. Each proof of a set is good by itself. The first file is the boot record.

use super::collect::{Corpus, NewCase};
use super::manifest::Kind;
use super::proof::demands;
use crate::corpus::Expected;
use crate::proofs::{Backing, ProofSpec, RuleWorld};
use std::sync::Arc;
use tlog::Hash;

/// A log of five proofs, quoted at sizes 4 and 6.
struct Log {
    world: Arc<RuleWorld>,
    ids: Vec<u8>,
}

impl Log {
    /// The proof at an index, under the quote of `size`.
    fn proof(&self, index: usize, size: usize) -> ProofSpec {
        let leaves: Vec<Hash> = self.ids.iter().map(|id| self.bare(*id).leaf()).collect();
        let mut spec = self.bare(self.ids[index - 1]);
        spec.before = leaves[..index - 1].to_vec();
        spec.after = leaves[index..size - 1].to_vec();
        spec
    }

    fn bare(&self, id: u8) -> ProofSpec {
        let mut spec = ProofSpec::new(&self.world, Backing::Nitro);
        spec.statement(|statement| statement.proof_id = [id; 16]);
        spec
    }

    /// Proofs 1 to 3 under the quote of size 4, proofs 4 and 5 under that of size 6.
    fn whole(&self) -> Vec<Vec<u8>> {
        (1..=5).map(|index| self.proof(index, if index < 4 { 4 } else { 6 }).to_bytes()).collect()
    }
}

pub(super) fn collect(corpus: &mut Corpus) {
    let world = Arc::new(RuleWorld::new());
    let log = |ids: &[u8]| Log { world: Arc::clone(&world), ids: ids.to_vec() };
    let honest = log(&[1, 2, 3, 4, 5]);
    let record = honest.bare(1).boot_record().to_bytes();
    let mut case = |name, expected, proofs: Vec<Vec<u8>>, note| {
        let demands = demands(corpus, &world, Backing::Nitro);
        let materials = vec![("boot_record", corpus.material("boot-record", &record, "cbor"))];
        let kind = Kind::LogSet;
        let note = Some(note);
        corpus.case(NewCase { kind, name, bytes: proofs, expected, demands, materials, note });
    };
    let refuse = Expected::Refuse("P9");
    case("good", Expected::Accept, honest.whole(), "five proofs, two quotes, no gap");
    let mut gap = honest.whole();
    gap.remove(1);
    case("gap", refuse, gap, "index 2 is missing");
    let mut end = honest.whole();
    end.pop();
    case("withheld-end", refuse, end, "the last quote covers an entry that is missing");
    let mut twice = honest.whole();
    twice.insert(1, twice[0].clone());
    case("index-twice", refuse, twice, "one proof stands twice");
    let mut fork = honest.whole();
    fork[1] = log(&[1, 9, 3, 4, 5]).proof(2, 4).to_bytes();
    case("fork-same-size", refuse, fork, "two quotes of size 4 have different roots");
    let mut fork = honest.whole();
    let other = log(&[1, 9, 3, 4, 5]);
    (fork[3], fork[4]) = (other.proof(4, 6).to_bytes(), other.proof(5, 6).to_bytes());
    case("fork-later", refuse, fork, "the quote of size 6 is over another log than that of size 4");
}
