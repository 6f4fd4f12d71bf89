//! Policy files of the corpus through crate `policy`, and into a verifier.

use super::{Verdict, bytes};
use attestation_fixtures::conformance::{At, Corpus, Entry};
use crypto::VerifyingKey;
use facts::Millis;
use policy::{PolicyError, SignedPolicy, Signers, VerifiedPolicy};

pub fn judge(corpus: &Corpus, entry: &Entry) -> Verdict {
    let demands = corpus.demands(entry);
    let pins = demands.policy.as_ref().expect("a policy's demands");
    let keys = pins.pins.iter().map(|pin| key(pin)).collect();
    let signers = Signers { keys, threshold: pins.threshold };
    let pinned = (pins.threshold > 0).then_some(&signers);
    let judge = || -> Result<VerifiedPolicy, PolicyError> {
        let verified = SignedPolicy::verify(corpus.bytes(&entry.file), pinned)?;
        if let At::Live(now_ms) = demands.at {
            verified.require_in_force(Millis(now_ms))?;
        }
        match entry.more.first() {
            Some(next) => verified.successor(corpus.bytes(next)),
            None => Ok(verified),
        }
    };
    let verified = judge().map_err(|error| (error.check().to_owned(), error.to_string()))?;
    let usable = verify::Policy::from_verified(&verified).map(|_| ());
    usable.map_err(|error| (error.check().to_owned(), error.to_string()))
}

fn key(text: &str) -> VerifyingKey {
    VerifyingKey::from_bytes(&bytes(text).try_into().expect("32 bytes")).expect("a key")
}
