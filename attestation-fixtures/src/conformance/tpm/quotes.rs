//! Cases of what a quote says: T16 to T19 and T21 to T24.

use super::{Builder, Draft, LAST_CLOCK, hex};
use crate::conformance::{Clock, NonceDemand};
use crate::tpm::{AkKey, Selection, alg, good_log};

pub(super) fn cases(build: &mut Builder<'_>) {
    build.refuse("qualified-signer-other", "T16", |draft| {
        draft.tpm().qualified_signer = Some(format!("000b{}", "11".repeat(32)));
    });
    build.refuse("qualified-signer-empty", "T16", |draft| {
        let expected = hex(&draft.quote.qualified_signer);
        draft.tpm().qualified_signer = Some(expected);
        draft.quote.qualified_signer.clear();
    });
    binding(build);
    signature(build);
    registers(build);
    clock(build);
}

fn binding(build: &mut Builder<'_>) {
    let mut bound = |name, change: fn(&mut Draft)| build.refuse(name, "T17", change);
    bound("nonce-replayed", |draft| draft.demands.nonce = NonceDemand::Exact(hex(b"tomorrow")));
    bound("nonce-unasked", |draft| draft.demands.nonce = NonceDemand::Absent);
    bound("nonce-changed", |draft| {
        draft.quote.nonce = Some(b"challengf".to_vec());
        draft.demands.nonce = NonceDemand::Exact(hex(b"challengf"));
    });
    bound("nonce-removed", |draft| {
        draft.quote.nonce = None;
        draft.demands.nonce = NonceDemand::Absent;
    });
    bound("user-data-changed", |draft| draft.quote.user_data[77] ^= 1);
    bound("user-data-longer", |draft| draft.quote.user_data.push(0));
    bound("key-set-changed", |draft| {
        let at = draft.quote.key_set.len() - 1;
        draft.quote.key_set[at] ^= 1;
    });
    bound("byte-moved-between-parts", |draft| {
        // Without lengths, "user_data || key_set" would be the same bytes.
        let byte = draft.quote.user_data.pop().expect("a byte");
        draft.quote.key_set.insert(0, byte);
    });
    bound("extra-data-empty", |draft| draft.quote.extra.clear());
    bound("extra-data-shorter", |draft| draft.quote.extra.truncate(31));
    bound("extra-data-padded", |draft| draft.quote.extra.push(0));
    bound("extra-data-is-nonce", |draft| draft.quote.extra = b"challenge".to_vec());
}

fn signature(build: &mut Builder<'_>) {
    let mut signed = |name, change: fn(&mut Draft)| build.refuse(name, "T18", change);
    signed("signed-by-stranger", |draft| draft.quote.key = AkKey::P256("stranger"));
    signed("signature-bit", |draft| {
        let mut raw = draft.quote.key.sign(alg::SHA256, &draft.quote.attest());
        raw[40] ^= 1;
        draft.quote.signature = Some(raw);
    });
    signed("signature-zero", |draft| draft.quote.signature = Some(vec![0; 64]));
    signed("signature-empty", |draft| draft.quote.signature = Some(vec![]));
    signed("signature-of-another-quote", |draft| {
        let mut other = draft.quote.clone();
        other.clock += 1;
        draft.quote.signature = Some(other.key.sign(alg::SHA256, &other.attest()));
    });
    signed("signature-labelled-sha384", |draft| draft.quote.signature_hash = alg::SHA384);
    signed("signature-by-sha384", |draft| draft.quote.signed_hash = alg::SHA384);
    signed("signature-both-sha384", |draft| {
        // A sound signature, but not by the scheme that the key is fixed to.
        (draft.quote.signed_hash, draft.quote.signature_hash) = (alg::SHA384, alg::SHA384);
        draft.quote.pcr_digest = Some(sha384_of_registers(draft));
    });
    signed("signature-sha1", |draft| {
        (draft.quote.signed_hash, draft.quote.signature_hash) = (alg::SHA1, alg::SHA1);
    });
    signed("signature-ecdaa", |draft| draft.quote.signature_alg = alg::ECDAA);
    signed("signature-null", |draft| draft.quote.signature_alg = alg::NULL);
    let mut rsa = |name, change: fn(&mut Draft)| {
        let mut draft = Draft::new(AkKey::Rsa2048, &good_log());
        change(&mut draft);
        build.add(name, crate::corpus::Expected::Refuse("T18"), draft);
    };
    rsa("rsa-labelled-pss", |draft| draft.quote.signature_alg = alg::RSAPSS);
    rsa("rsa-signature-bit", |draft| {
        let mut raw = draft.quote.key.sign(alg::SHA256, &draft.quote.attest());
        raw[255] ^= 1;
        draft.quote.signature = Some(raw);
    });
    rsa("rsa-signature-shorter", |draft| {
        let mut raw = draft.quote.key.sign(alg::SHA256, &draft.quote.attest());
        raw.pop();
        draft.quote.signature = Some(raw);
    });
    rsa("rsa-signature-zero", |draft| draft.quote.signature = Some(vec![0; 256]));
}

fn sha384_of_registers(draft: &Draft) -> Vec<u8> {
    use sha2::{Digest, Sha384};
    let mut hash = Sha384::new();
    draft.quote.pcrs.iter().for_each(|(_, value)| hash.update(value));
    hash.finalize().to_vec()
}

fn registers(build: &mut Builder<'_>) {
    build.refuse("register-not-selected", "T19", |draft| {
        // PCR9 is what the policy reads; it is shown but was not signed.
        let shown: Vec<u8> = draft.quote.pcrs.iter().map(|(index, _)| *index as u8).collect();
        let signed = shown.into_iter().filter(|index| *index != 9);
        draft.quote.selections = vec![Selection::of(alg::SHA256, signed)];
        let removed = draft.quote.pcrs.iter().position(|(index, _)| *index == 9).expect("PCR9");
        draft.quote.pcrs.remove(removed);
    });
    build.refuse("register-shown-beside-selection", "T21", |draft| {
        // The digest is over what was selected; one more value is shown.
        let values: Vec<&[u8]> = draft.quote.pcrs.iter().map(|(_, value)| &value[..]).collect();
        draft.quote.pcr_digest = Some(crate::tpm::sha256(&values).to_vec());
        draft.quote.pcrs.push((23, vec![1; 32]));
    });
    build.refuse("register-changed", "T21", |draft| {
        let values: Vec<&[u8]> = draft.quote.pcrs.iter().map(|(_, value)| &value[..]).collect();
        draft.quote.pcr_digest = Some(crate::tpm::sha256(&values).to_vec());
        draft.quote.pcrs[0].1[0] ^= 1;
        let shown = hex(&draft.quote.pcrs[0].1);
        draft.demands.pcrs.insert(0, shown);
    });
    build.refuse("registers-missing", "T21", |draft| {
        let values: Vec<&[u8]> = draft.quote.pcrs.iter().map(|(_, value)| &value[..]).collect();
        draft.quote.pcr_digest = Some(crate::tpm::sha256(&values).to_vec());
        draft.quote.pcrs.clear();
    });
    build.refuse("pcr-digest-empty", "T21", |draft| draft.quote.pcr_digest = Some(vec![]));
    build.refuse("pcr-digest-sha384", "T21", |draft| {
        draft.quote.pcr_digest = Some(sha384_of_registers(draft));
    });
    build.refuse("register-31-bytes", "T24", |draft| draft.quote.pcrs[0].1.truncate(31));
    build.refuse("register-other-than-reference", "T24", |draft| {
        draft.demands.pcrs.insert(4, "44".repeat(32));
    });
    build.refuse("reference-value-zero", "T24", |draft| {
        draft.note = Some("the policy itself must be refused: a reset value is no measurement");
        draft.quote.pcrs[0].1 = vec![0; 32];
        draft.demands.pcrs.insert(0, "00".repeat(32));
    });
}

fn clock(build: &mut Builder<'_>) {
    build.refuse("clock-not-safe", "T22", |draft| draft.quote.safe = 0);
    build.refuse("clock-safe-is-two", "T22", |draft| draft.quote.safe = 2);
    let lasts = [
        ("reset-count-back", Clock { reset_count: 8, ..LAST_CLOCK }),
        ("restart-count-back", Clock { restart_count: 3, ..LAST_CLOCK }),
        ("clock-back", Clock { clock: 86_400_001, ..LAST_CLOCK }),
    ];
    for (name, last) in lasts {
        build.refuse(name, "T22", |draft| draft.tpm().last_clock = Some(last));
    }
    build.refuse("firmware-unknown", "T23", |draft| draft.tpm().firmware = Some(vec![1, 2]));
    build.refuse("firmware-none-accepted", "T23", |draft| draft.tpm().firmware = Some(vec![]));
}
