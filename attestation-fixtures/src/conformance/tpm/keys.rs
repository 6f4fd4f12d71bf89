//! Cases of the attestation key's public area: T4 to T6. Each key is trusted as it is, so that
//! nothing but its own faults refuses it.

use super::{Builder, Draft};
use crate::corpus::Expected;
use crate::tpm::{AkKey, PublicSpec, alg, attribute, good_log};

pub(super) fn cases(build: &mut Builder<'_>) {
    let mut public = |name, check, key, change: fn(&mut PublicSpec)| {
        let mut draft = Draft::new(key, &good_log());
        change(&mut draft.quote.public);
        draft.pin();
        build.add(name, Expected::Refuse(check), draft);
    };
    let p256 = AkKey::P256("ak");
    public("ak-trailing", "T4", p256, |p| p.trailing = vec![0]);
    public("ak-rsa-trailing", "T4", AkKey::Rsa2048, |p| p.trailing = vec![0; 8]);
    public("ak-reserved-attribute", "T4", p256, |p| p.attributes |= 1);
    public("ak-truncated", "T4", AkKey::Rsa2048, |p| p.cut = true);
    for (name, bit) in [
        ("ak-not-fixed-to-tpm", attribute::FIXED_TPM),
        ("ak-not-fixed-to-parent", attribute::FIXED_PARENT),
        ("ak-made-elsewhere", attribute::SENSITIVE_DATA_ORIGIN),
        ("ak-not-restricted", attribute::RESTRICTED),
        ("ak-does-not-sign", attribute::SIGN),
        ("ak-decrypts", attribute::DECRYPT),
    ] {
        let mut draft = Draft::new(p256, &good_log());
        draft.quote.public.attributes ^= bit;
        draft.pin();
        build.add(name, Expected::Refuse("T5"), draft);
    }
    let mut public = |name, check, key, change: fn(&mut PublicSpec)| {
        let mut draft = Draft::new(key, &good_log());
        change(&mut draft.quote.public);
        draft.pin();
        build.add(name, Expected::Refuse(check), draft);
    };
    public("ak-rsa-1024", "T6", AkKey::Rsa1024, |_| ());
    public("ak-scheme-none", "T6", p256, |p| p.scheme = alg::NULL);
    public("ak-scheme-ecdaa", "T6", p256, |p| p.scheme = alg::ECDAA);
    public("ak-scheme-sha1", "T6", p256, |p| p.scheme_hash = alg::SHA1);
    public("ak-scheme-of-another-type", "T6", p256, |p| p.scheme = alg::RSASSA);
    public("ak-symmetric", "T6", p256, |p| p.symmetric = 0x0006);
    public("ak-curve-unknown", "T6", p256, |p| p.size = 0x0010);
    public("ak-curve-of-other-size", "T6", p256, |p| p.size = 0x0001);
    public("ak-exponent-3", "T6", AkKey::Rsa2048, |p| p.exponent = 3);
    public("ak-bits-lie", "T6", AkKey::Rsa2048, |p| p.size = 3072);
    public("ak-keyed-hash", "T6", p256, |p| p.kind = alg::KEYEDHASH);
    let mut draft = Draft::new(p256, &good_log());
    // Its name cannot be pinned; the sound key's stays.
    draft.quote.public.name_alg = alg::SHA1;
    build.add("ak-name-sha1", Expected::Refuse("T6"), draft);
    let mut draft = Draft::new(p256, &good_log());
    draft.tpm().ak_names = vec![format!("000b{}", "33".repeat(32))];
    build.add("ak-not-trusted", Expected::Refuse("T8"), draft);
    let mut draft = Draft::new(AkKey::P256("ak"), &good_log());
    draft.tpm().ak_names.clear();
    build.add("ak-nothing-trusted", Expected::Refuse("T8"), draft);
}
