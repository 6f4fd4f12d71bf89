//! Quotes that TPMs of others signed, with the verdict each must get.

use attest::tpm::{
    AkBasis, AkParts, AkTrust, HashAlgorithm, QuoteParts, TpmPolicy, VerifiedQuote, verify_quote,
};
use attest::{AttestError, VerificationTime};
use std::collections::BTreeMap;
use std::path::Path;
use x509_cert::der::{DecodePem, Encode};

fn file(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/tpm");
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        println!("ignored: corpus absent ({})", folder.display());
    }
    bytes
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = ALPHABET.iter().position(|one| *one == byte).unwrap();
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// The text value of a key in a JSON file of a known form.
fn text<'j>(json: &'j str, key: &str) -> &'j str {
    let from = json.find(&format!("\"{key}\"")).unwrap() + key.len() + 2;
    json[from..].split('"').nth(1).unwrap()
}

/// A published quote, owned.
struct Published {
    attest: Vec<u8>,
    signature: Vec<u8>,
    spki: Vec<u8>,
    certificate: Option<Vec<u8>>,
    pcrs: Vec<Vec<u8>>,
    extra_data: Vec<u8>,
}

impl Published {
    fn judge(&self, policy: &TpmPolicy) -> Result<VerifiedQuote, AttestError> {
        let certificates: Vec<&[u8]> = self.certificate.iter().map(Vec::as_slice).collect();
        let spki = certificates.is_empty().then_some(self.spki.as_slice());
        let parts = QuoteParts {
            attest: &self.attest,
            signature: &self.signature,
            ak: AkParts { public: None, spki, certificates },
            pcrs: (0..).zip(self.pcrs.iter().map(Vec::as_slice)).collect(),
            extra_data: Some(&self.extra_data),
            event_log: None,
        };
        verify_quote(&parts, policy)
    }

    fn pinned(&self) -> TpmPolicy {
        TpmPolicy::new(AkTrust::new().with_key(&self.spki).unwrap())
    }
}

/// A quote by an Azure confidential VM's vTPM.
fn azure() -> Option<Published> {
    let pem = file("libsignal_tpm2snp_valid_cert.pem")?;
    let certificate = x509_cert::Certificate::from_pem(&pem).unwrap();
    let spki = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
    let pcrs = file("libsignal_tpm2_valid_pcrs.dat")?;
    let challenge = "1122334455667788990011223344556677889900112233445566778899001122";
    Some(Published {
        attest: file("libsignal_tpm2_valid_report.dat")?,
        signature: file("libsignal_tpm2_valid_signature.dat")?,
        spki,
        certificate: Some(certificate.to_der().unwrap()),
        pcrs: pcrs.chunks_exact(32).map(<[u8]>::to_vec).collect(),
        extra_data: attestation_fixtures::conformance::unhex(challenge).unwrap(),
    })
}

/// A quote by swtpm, by way of trustee.
fn swtpm() -> Option<Published> {
    let json = String::from_utf8(file("trustee_tpm_evidence.json")?).unwrap();
    let values = &json[json.find("\"pcrs\"").unwrap()..];
    let values = &values[..values.find(']').unwrap()];
    let pcrs = values.split('"').skip(3).step_by(2).take(24);
    let attest = base64(text(&json, "message"));
    // qualifiedSigner takes bytes 6 to 41, then 64 bytes of extraData.
    let extra_data = attest[44..108].to_vec();
    Some(Published {
        attest,
        signature: base64(text(&json, "signature")),
        spki: base64(text(&json, "ak_public")),
        certificate: None,
        pcrs: pcrs.map(|one| attestation_fixtures::conformance::unhex(one).unwrap()).collect(),
        extra_data,
    })
}

#[test]
fn genuine_quotes_verify() {
    for published in azure().into_iter().chain(swtpm()) {
        assert_eq!(published.pcrs.len(), 24);
        let quote = published.judge(&published.pinned()).unwrap();
        assert_eq!(quote.hash_algorithm(), HashAlgorithm::Sha256);
        assert_eq!(quote.ak_basis(), &AkBasis::PinnedKey);
        assert_eq!(quote.pcrs().len(), 24);
        assert!(quote.clock().safe);
        assert_eq!(quote.extra_data(), published.extra_data);
    }
}

#[test]
fn reference_values_hold_for_a_genuine_quote() {
    let Some(azure) = azure() else { return };
    let policy = azure.pinned().with_pcr(4, azure.pcrs[4].clone()).unwrap();
    assert!(azure.judge(&policy).is_ok());
    let other = azure.pinned().with_pcr(4, azure.pcrs[7].clone()).unwrap();
    assert_eq!(azure.judge(&other).unwrap_err().check(), "T24");
    // swtpm's registers were never extended: no reference value can be made of them.
    let Some(swtpm) = swtpm() else { return };
    let error = swtpm.pinned().with_pcr(4, swtpm.pcrs[4].clone()).unwrap_err();
    assert_eq!(error.check(), "T24");
}

#[test]
fn genuine_quotes_that_were_altered_are_refused() {
    for published in azure().into_iter().chain(swtpm()) {
        let policy = published.pinned();
        let check = |change: &dyn Fn(&mut Published)| {
            let mut altered = Published {
                attest: published.attest.clone(),
                signature: published.signature.clone(),
                spki: published.spki.clone(),
                certificate: published.certificate.clone(),
                pcrs: published.pcrs.clone(),
                extra_data: published.extra_data.clone(),
            };
            change(&mut altered);
            altered.judge(&policy).unwrap_err().check()
        };
        assert_eq!(check(&|one| one.attest.push(0)), "T13");
        assert_eq!(check(&|one| one.attest[3] ^= 1), "T14");
        assert_eq!(check(&|one| one.attest[5] ^= 1), "T15");
        assert_eq!(check(&|one| one.extra_data[0] ^= 1), "T17");
        assert_eq!(check(&|one| one.extra_data.truncate(1)), "T17");
        assert_eq!(check(&|one| one.signature[20] ^= 1), "T18");
        assert_eq!(check(&|one| one.attest[8] ^= 1), "T18");
        assert_eq!(check(&|one| one.signature.clear()), "T18");
        assert_eq!(check(&|one| one.pcrs[3][0] ^= 1), "T21");
        assert_eq!(check(&|one| one.pcrs.truncate(23)), "T21");
        let nobody = TpmPolicy::new(AkTrust::new());
        assert_eq!(published.judge(&nobody).unwrap_err().check(), "T8");
    }
}

#[test]
fn a_certificate_without_its_issuer_is_not_trusted() {
    let Some(azure) = azure() else { return };
    let leaf = azure.certificate.as_deref().unwrap();
    // The leaf is no root, and no root of ours issued it.
    assert_eq!(AkTrust::new().with_root("leaf", leaf).unwrap_err().check(), "T8");
    let chain = attestation_fixtures::tpm::AkChain::new(
        attestation_fixtures::tpm::AkKey::P256("ak"),
        1_790_000_000_000,
    );
    let trust = AkTrust::new().with_root("test", &chain.root_der()).unwrap();
    let policy = TpmPolicy::new(trust).with_time(VerificationTime::At { ms: 1_700_000_000_000 });
    assert_eq!(azure.judge(&policy).unwrap_err().check(), "T8");
}

#[test]
fn a_sha1_quote_is_refused() {
    let Some(bytes) = file("keylime_test-quote.txt") else { return };
    let line = String::from_utf8(bytes).unwrap();
    let parts: Vec<Vec<u8>> = line.trim().trim_start_matches('r').split(':').map(base64).collect();
    let quote = QuoteParts {
        attest: &parts[0],
        signature: &parts[1],
        ak: AkParts::default(),
        pcrs: BTreeMap::new(),
        extra_data: None,
        event_log: None,
    };
    let error = verify_quote(&quote, &TpmPolicy::new(AkTrust::new())).unwrap_err();
    assert_eq!(error.check(), "T18");
    assert!(error.to_string().contains("SHA-1"), "{error}");
    // A better signature would not help: the bank is SHA-1 too.
    let mut relabelled = parts[1].clone();
    relabelled[3] = 0x0b;
    let quote = QuoteParts { signature: &relabelled, ..quote };
    let error = verify_quote(&quote, &TpmPolicy::new(AkTrust::new())).unwrap_err();
    assert_eq!(error.check(), "T19");
    assert!(error.to_string().contains("SHA-1"), "{error}");
}

#[test]
fn a_bare_structure_is_no_quote() {
    let Some(bytes) = file("dstack_tpm_quote_sample.bin") else { return };
    let quote = QuoteParts {
        attest: &bytes,
        signature: &[],
        ak: AkParts::default(),
        pcrs: BTreeMap::new(),
        extra_data: None,
        event_log: None,
    };
    let error = verify_quote(&quote, &TpmPolicy::new(AkTrust::new())).unwrap_err();
    assert_eq!(error.check(), "T18");
    assert!(error.to_string().contains("bare"), "{error}");
}
