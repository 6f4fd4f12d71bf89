//! The files of the crate's example: they are what this test makes, byte for byte.

use crate::support::{nitro, owner, proof};
use attestation_fixtures::proofs::Backing;
use std::path::Path;

/// Freeze anew with PROBITY_FREEZE=1.
#[test]
fn the_examples_files_are_frozen() {
    let policy = policy::sign(&nitro(), &[owner()]).expect("sound");
    let pin = format!("{}\n", owner().verifying_key().did_key()).into_bytes();
    let files = [("policy.cbor", policy), ("proof.cbor", proof(Backing::Nitro)), ("pin.txt", pin)];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for (name, made) in files {
        let path = folder.join(name);
        if std::env::var_os("PROBITY_FREEZE").is_some() {
            std::fs::write(&path, &made).expect("written");
        }
        assert!(std::fs::read(&path).expect(name) == made, "{name} has changed");
    }
}
