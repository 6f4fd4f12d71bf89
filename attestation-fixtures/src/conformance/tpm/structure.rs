//! Cases of the evidence map and of the structures in it: T13 to T15 and T20.

use super::{Builder, Draft};
use crate::tpm::{MapTamper, Selection, alg};

pub(super) fn cases(build: &mut Builder<'_>) {
    map(build);
    structures(build);
    selections(build);
}

fn map(build: &mut Builder<'_>) {
    let mut map = |name, tampers: &[MapTamper]| {
        build.refuse(name, "T13", |draft| draft.quote.map = tampers.to_vec());
    };
    map("oversized", &[MapTamper::Trailing(vec![0; 33_000])]);
    map("trailing-byte", &[MapTamper::Trailing(vec![0])]);
    map("map-indefinite", &[MapTamper::Head(vec![0xbf]), MapTamper::Trailing(vec![0xff])]);
    map("map-long-head", &[MapTamper::Head(vec![0xb8, 9])]);
    map("map-huge", &[MapTamper::Head(vec![0xbb, 255, 255, 255, 255, 255, 255, 255, 255])]);
    map("map-of-eight", &[MapTamper::Head(vec![0xa8]), MapTamper::Remove(9)]);
    map("map-counts-a-missing-key", &[MapTamper::Remove(9)]);
    map("nesting-bomb", &[MapTamper::Head(vec![0x81; 8000])]);
    map("version-2", &[MapTamper::Value(1, vec![0x02])]);
    map("key-twice", &[MapTamper::Head(vec![0xaa]), MapTamper::Repeat(6)]);
    map("keys-unsorted", &[MapTamper::Swap(6, 7)]);
    map("attest-missing", &[MapTamper::Head(vec![0xa8]), MapTamper::Remove(2)]);
    map("attest-null", &[MapTamper::Value(2, vec![0xf6])]);
    map("attest-chunked", &[MapTamper::Value(2, vec![0x5f, 0x41, 0xff, 0xff])]);
    map("nonce-number", &[MapTamper::Value(8, vec![0x00])]);
    map("nonce-empty", &[MapTamper::Value(8, vec![0x40])]);
    map("certificates-null", &[MapTamper::Value(9, vec![0xf6])]);
    map("registers-map", &[MapTamper::Value(5, vec![0xa0])]);
    let mut registers = |name, change: fn(&mut Draft)| build.refuse(name, "T13", change);
    registers("register-index-24", |draft| draft.quote.pcrs.push((24, vec![1; 32])));
    registers("registers-unsorted", |draft| draft.quote.pcrs.swap(0, 1));
    registers("register-twice", |draft| {
        let again = draft.quote.pcrs[0].clone();
        draft.quote.pcrs.insert(0, again);
    });
}

fn structures(build: &mut Builder<'_>) {
    build.refuse("attest-trailing", "T13", |draft| draft.quote.attest_trailing = vec![0]);
    build.refuse("signature-trailing", "T13", |draft| draft.quote.signature_trailing = vec![0]);
    build.refuse("qualified-signer-67-bytes", "T13", |draft| {
        draft.quote.qualified_signer = vec![1; 67];
    });
    build.refuse("extra-data-67-bytes", "T13", |draft| draft.quote.extra = vec![1; 67]);
    build.refuse("attest-truncated", "T13", |draft| {
        let mut attest = draft.quote.attest();
        attest.pop();
        draft.quote.map = vec![MapTamper::Value(2, crate::document::bytes_item(&attest))];
    });
    build.refuse("attest-1025-bytes", "T13", |draft| {
        let attest = vec![0xff; 1025];
        draft.quote.map = vec![MapTamper::Value(2, crate::document::bytes_item(&attest))];
    });
    for (name, magic) in
        [("magic-zero", 0), ("magic-one-bit", 0xff54_4346), ("magic-swapped", 0x4743_54ff)]
    {
        build.refuse(name, "T14", |draft| draft.quote.magic = magic);
    }
    let kinds = [("type-certify", 0x8017), ("type-creation", 0x801a), ("type-time", 0x8019)];
    for (name, kind) in kinds {
        build.refuse(name, "T15", |draft| draft.quote.kind = kind);
    }
}

fn selections(build: &mut Builder<'_>) {
    let mut select = |name, check, change: fn(&mut Vec<Selection>)| {
        build.refuse(name, check, |draft| change(&mut draft.quote.selections));
    };
    select("bank-twice", "T20", |all| all.push(all[0].clone()));
    select("select-of-two-bytes", "T20", |all| {
        all[0].size = 2;
        all[0].bits.pop();
    });
    select("select-of-four-bytes", "T20", |all| {
        all[0].size = 4;
        all[0].bits.push(0);
    });
    select("two-banks", "T19", |all| all.push(Selection::of(alg::SHA384, [0])));
    select("no-bank", "T19", |all| all.clear());
    select("nothing-selected", "T19", |all| all[0].bits = vec![0; 3]);
    select("bank-unknown", "T19", |all| all[0].bank = alg::SM3_256);
    build.refuse("bank-sha1", "T19", |draft| {
        draft.quote.selections[0].bank = alg::SHA1;
        draft.quote.pcrs.iter_mut().for_each(|(_, value)| value.truncate(20));
        draft.demands.pcrs.clear();
    });
    build.refuse("select-huge-count", "T13", |draft| {
        let mut attest = draft.quote.attest();
        let at = attest.windows(8).position(|w| w[..4] == [0, 0, 0, 1] && w[4..7] == [0, 0x0b, 3]);
        attest[at.expect("the count")] = 0xff;
        draft.quote.map = vec![MapTamper::Value(2, crate::document::bytes_item(&attest))];
    });
}
