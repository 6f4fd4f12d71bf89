//! Certificates and public areas that `swtpm_setup` 0.7.1 made: RSA-3072 issuers, a critical
//! directory name, an end in the year 9999. Their TPM is gone.

use enrol::{EkPublic, EkRoots, Submission, Template, judge, revocation_of};

const ROOT: &[u8] = include_bytes!("../data/swtpm-root.der");
const ISSUER: &[u8] = include_bytes!("../data/swtpm-issuer.der");
const RSA: &[u8] = include_bytes!("../data/swtpm-ek-rsa2048.der");
const RSA_PUBLIC: &[u8] = include_bytes!("../data/swtpm-ek-rsa2048.pub");
const P384: &[u8] = include_bytes!("../data/swtpm-ek-p384.der");
const P384_PUBLIC: &[u8] = include_bytes!("../data/swtpm-ek-p384.pub");
/// 2026-11-22, after they were made.
const NOW_MS: u64 = 1_795_400_000_000;

/// The check that refuses. Nothing below is wrong with the endorsement key, so that what refuses
/// next is T7: the creation is left out.
fn refused(roots: &EkRoots, certificates: &[&[u8]], ek_public: &[u8], now_ms: u64) -> String {
    let ak = attestation_fixtures::tpm::PublicSpec::of(super::AKS[0]).to_bytes();
    let submission = Submission {
        ek_certificates: certificates.to_vec(),
        ek_public,
        ak_public: &ak,
        ..Submission::default()
    };
    judge(&submission, roots, now_ms).unwrap_err().to_string()
}

#[test]
fn its_public_areas_follow_the_templates() {
    assert_eq!(EkPublic::parse(RSA_PUBLIC).unwrap().template(), Template::L1);
    let high = EkPublic::parse(P384_PUBLIC).unwrap();
    assert_eq!(high.template(), Template::H3);
    assert!(enrol::hex(high.name()).starts_with("000c150b98b6b90d"), "as tpm2_readpublic says");
}

#[test]
fn its_chains_lead_to_root_or_issuer_until_the_end_of_9999() {
    let root = EkRoots::new().with_root("root", ROOT).unwrap();
    let issuer = EkRoots::new().with_root("issuer", ISSUER).unwrap();
    for (leaf, public) in [(RSA, RSA_PUBLIC), (P384, P384_PUBLIC)] {
        for (roots, chain) in [
            (&root, &[leaf, ISSUER][..]),
            (&root, &[leaf, ISSUER, ROOT]),
            (&issuer, &[leaf]),
            (&issuer, &[leaf, ISSUER]),
            (&issuer, &[leaf, ISSUER, ROOT]),
        ] {
            for now_ms in [NOW_MS, 253_402_300_799_999] {
                let refused = refused(roots, chain, public, now_ms);
                assert!(refused.starts_with("T7 "), "{refused}");
            }
            let late = refused(roots, chain, public, 253_402_300_800_000);
            assert!(late.starts_with("T1 ") && late.contains("validity"), "{late}");
        }
        let lonely = refused(&root, &[leaf], public, NOW_MS);
        assert!(lonely.starts_with("T1 ") && lonely.contains("trusts"), "{lonely}");
        assert!(refused(&EkRoots::new(), &[leaf, ISSUER], public, NOW_MS).starts_with("T1 "));
        // A root that came along is trusted for nothing.
        let sent = refused(&EkRoots::new(), &[leaf, ISSUER, ROOT], public, NOW_MS);
        assert!(sent.starts_with("T1 "), "{sent}");
    }
    let crossed = refused(&root, &[RSA, ISSUER], P384_PUBLIC, NOW_MS);
    assert!(crossed.starts_with("T2 "), "{crossed}");
}

#[test]
fn a_revoked_certificate_ends_its_chain_wherever_it_stands() {
    for revoked in [RSA, ISSUER, ROOT] {
        let (issuer, serial) = revocation_of(revoked).unwrap();
        let roots = EkRoots::new().with_root("root", ROOT).unwrap();
        let padded = [&[0][..], &serial].concat();
        let roots = roots.with_revoked(issuer, &padded);
        let refused = refused(&roots, &[RSA, ISSUER], RSA_PUBLIC, NOW_MS);
        assert!(refused.starts_with("T1 ") && refused.contains("not revoked"), "{refused}");
    }
    // The same serial number of another issuer means nothing.
    let (_, serial) = revocation_of(RSA).unwrap();
    let roots = EkRoots::new().with_root("root", ROOT).unwrap();
    let roots = roots.with_revoked(vec![0x30, 0], &serial);
    assert!(refused(&roots, &[RSA, ISSUER], RSA_PUBLIC, NOW_MS).starts_with("T7 "));
}

#[test]
fn a_leaf_is_no_root() {
    let refused = EkRoots::new().with_root("leaf", RSA).unwrap_err();
    assert_eq!(refused.check(), "T1");
}
