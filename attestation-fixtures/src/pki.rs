//! A PKI shaped like AWS's: root 30 y, region 20 d, zone 6 d, instance 1 d, leaf 3 h 3 s.
//! Keys and certificates follow from a seed and the time; nothing is kept.

use crate::certificate::{CertificateSpec, Extension, Name, oid};
use crate::keys::{KeyRing, Signer};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// The published seed. Whoever reads this line can sign as the test root.
pub const PUBLISHED_SEED: &[u8; 32] = b"probity TEST ROOT; key is public";

/// The region of the test PKI, in the leaf's common name.
pub const REGION: &str = "xx-test-1";

/// A test PKI.
#[derive(Debug)]
pub struct TestPki {
    seed: [u8; 32],
    root: Arc<Signer>,
    root_der: Vec<u8>,
    keys: KeyRing,
}

/// Where in the chain a certificate stands, root first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 30 years, in the policy of those who test.
    Root,
    /// 20 days, pathLen 2.
    Region,
    /// 6 days, pathLen 1.
    Zone,
    /// 1 day, pathLen 0.
    Instance,
    /// 3 h 3 s, signs documents.
    Leaf,
}

/// A leaf with its key and its issuers: all that is needed to sign documents.
#[derive(Debug)]
pub struct LeafChain {
    /// The module the leaf speaks for.
    pub module_id: String,
    /// The leaf, DER.
    pub certificate: Vec<u8>,
    /// The issuers, root first, DER.
    pub cabundle: Vec<Vec<u8>>,
    /// Start of the leaf's validity, Unix milliseconds.
    pub not_before_ms: u64,
    /// End of the leaf's validity, Unix milliseconds.
    pub not_after_ms: u64,
    /// The leaf's key.
    pub signer: Arc<Signer>,
}

/// The parts of a chain before they are signed, with the keys of all five.
pub(crate) struct ChainSpec {
    pub(crate) module_id: String,
    pub(crate) certificates: [CertificateSpec; 5],
    pub(crate) signers: [Arc<Signer>; 5],
    pub(crate) stranger: Arc<Signer>,
}

impl TestPki {
    /// The PKI of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let root = Arc::new(Signer::derive(seed, "root"));
        let root_der = root_spec(&root).sign(&root);
        Self { seed: *seed, root, root_der, keys: KeyRing::default() }
    }

    /// The PKI of the published seed; its root is in `data/test-root.der`.
    pub fn published() -> Self {
        Self::from_seed(PUBLISHED_SEED)
    }

    /// The published PKI, made once a process, so that what it signed is remembered.
    pub(crate) fn shared() -> &'static Self {
        static PKI: OnceLock<TestPki> = OnceLock::new();
        PKI.get_or_init(Self::published)
    }

    /// The root certificate, DER; the same bytes for the same seed.
    pub fn root_der(&self) -> &[u8] {
        &self.root_der
    }

    /// The root certificate, PEM.
    pub fn root_pem(&self) -> String {
        let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
        let text = base64(&self.root_der);
        for line in text.as_bytes().chunks(64) {
            out.extend(line.iter().map(|byte| char::from(*byte)));
            out.push('\n');
        }
        out.push_str("-----END CERTIFICATE-----\n");
        out
    }

    /// A leaf as AWS would issue it now: valid since three seconds, for three hours.
    pub fn issue(&self, now_ms: u64) -> LeafChain {
        self.chain_spec(now_ms).sign(&self.root_der)
    }

    fn key(&self, label: &str) -> Arc<Signer> {
        self.keys.derive(&self.seed, label)
    }

    pub(crate) fn chain_spec(&self, now_ms: u64) -> ChainSpec {
        let now_s = now_ms / 1000;
        // Issuers start at fixed steps, so that leaves of one day share them, as AWS's do.
        let starts = [ROOT_START_S, now_s - now_s % (10 * DAY_S), now_s - now_s % (3 * DAY_S)];
        let [_, region_s, zone_s] = starts;
        let (instance_s, leaf_s) = (now_s - now_s % (DAY_S / 2), now_s.saturating_sub(3));
        let module = format!("{INSTANCE}-enc{:012x}{:04x}", now_ms, now_ms % 0xfff1);
        let serial_of_leaf = format!("{:012x}{:04x}00000000{now_s:08x}", now_ms, now_ms % 0xfff1);
        let names = [
            root_name(),
            authority_name(&[(3, &format!("{:016x}.{REGION}.{AUTHORITY}", region_s))]),
            zone_name(&format!("{zone_s:016x}.zonal.{REGION}.{AUTHORITY}")),
            instance_name(&format!("{INSTANCE}.{REGION}.{AUTHORITY}")),
            instance_name(&format!("{module}.{REGION}.aws")),
        ];
        let keys = [
            self.key(&format!("region {region_s}")),
            self.key(&format!("zone {zone_s}")),
            self.key(&format!("instance {instance_s}")),
            self.key(&format!("leaf {now_ms}")),
        ];
        let make = |level: usize, signer: &Signer, issuer: &Signer, start: u64, seconds: u64| {
            let label = format!("{level} {start}");
            CertificateSpec {
                serial: key_id(&[&self.seed[..], label.as_bytes()].concat())[..16].to_vec(),
                issuer: names[level - 1].clone(),
                subject: names[level].clone(),
                not_before_s: start,
                not_after_s: start + seconds,
                extensions: extensions(level, signer, issuer),
                ..root_spec(signer)
            }
        };
        let [region, zone, instance, leaf] = &keys;
        let mut leaf_spec = make(4, leaf, instance, leaf_s, 3 * 3600 + 3);
        leaf_spec.serial = unhex(&serial_of_leaf);
        let certificates = [
            root_spec(&self.root),
            make(1, region, &self.root, region_s, 20 * DAY_S),
            make(2, zone, region, zone_s, 6 * DAY_S),
            make(3, instance, zone, instance_s, DAY_S),
            leaf_spec,
        ];
        let [region, zone, instance, leaf] = keys;
        let stranger = self.key("stranger");
        let signers = [Arc::clone(&self.root), region, zone, instance, leaf];
        ChainSpec { module_id: module, certificates, signers, stranger }
    }
}

impl ChainSpec {
    pub(crate) fn sign(self, root_der: &[u8]) -> LeafChain {
        let mut signed: Vec<Vec<u8>> = vec![root_der.to_vec()];
        for level in 1..5 {
            let spec = &self.certificates[level];
            let issuer =
                if spec.signed_by_stranger { &self.stranger } else { &self.signers[level - 1] };
            signed.push(spec.sign(issuer));
        }
        let certificate = signed.pop().expect("a leaf because five were signed");
        let leaf = &self.certificates[4];
        let [_, _, _, _, signer] = self.signers;
        LeafChain {
            module_id: self.module_id,
            certificate,
            cabundle: signed,
            not_before_ms: leaf.not_before_s * 1000,
            not_after_ms: leaf.not_after_s * 1000,
            signer,
        }
    }
}

fn root_spec(root: &Signer) -> CertificateSpec {
    CertificateSpec {
        version: 2,
        serial: key_id(&root.point())[..16].to_vec(),
        inner_algorithm: oid::ECDSA_SHA384.to_vec(),
        outer_algorithm: oid::ECDSA_SHA384.to_vec(),
        issuer: root_name(),
        not_before_s: ROOT_START_S,
        not_after_s: ROOT_END_S,
        subject: root_name(),
        curve: oid::SECP384R1.to_vec(),
        point: root.point(),
        rsa: false,
        unused_bits: 0,
        extensions: vec![
            Extension::basic_constraints(true, None),
            Extension::subject_key_id(&key_id(&root.point())),
            Extension::key_usage(true, 0x86),
        ],
        trailing: Vec::new(),
        signed_by_stranger: false,
    }
}

fn extensions(level: usize, subject: &Signer, issuer: &Signer) -> Vec<Extension> {
    if level == 4 {
        return vec![Extension::basic_constraints(false, None), Extension::key_usage(false, 0xc0)];
    }
    vec![
        Extension::basic_constraints(true, Some(3 - level as u8)),
        Extension::authority_key_id(&key_id(&issuer.point())),
        Extension::subject_key_id(&key_id(&subject.point())),
        Extension::key_usage(true, if level == 3 { 0x04 } else { 0x86 }),
    ]
}

/// Twenty bytes that name a key (RFC 7093, method 1).
fn key_id(point: &[u8]) -> [u8; 20] {
    let digest: [u8; 32] = Sha256::digest(point).into();
    let mut id = [0; 20];
    id.copy_from_slice(&digest[..20]);
    // A serial number made of these bytes must be positive and of full length.
    id[0] = id[0] & 0x3f | 0x40;
    id
}

fn name(parts: &[(u8, &str)]) -> Name {
    Name(parts.iter().map(|(kind, value)| (*kind, (*value).to_owned())).collect())
}

fn root_name() -> Name {
    authority_name(&[(3, "probity TEST ROOT; its private key is public")])
}

fn authority_name(common: &[(u8, &str)]) -> Name {
    name(&[&[(6, "US"), (10, "Probity"), (11, "TEST")], common].concat())
}

fn zone_name(common: &str) -> Name {
    let place = [(6, "US"), (8, "WA"), (7, "Seattle")];
    name(&[&[(3, common), (11, "TEST"), (10, "Probity")][..], &place].concat())
}

fn instance_name(common: &str) -> Name {
    let place = [(6, "US"), (8, "Washington"), (7, "Seattle")];
    name(&[&place[..], &[(10, "Probity"), (11, "TEST"), (3, common)]].concat())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).expect("hex because we wrote it") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Base64 with padding (RFC 4648, 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const AUTHORITY: &str = "probity-test-enclaves";
const INSTANCE: &str = "i-0123456789abcdef0";
const DAY_S: u64 = 86_400;
/// 2019-10-28 13:28:05, as AWS's root.
const ROOT_START_S: u64 = 1_572_269_285;
/// 2049-10-28 14:28:05.
const ROOT_END_S: u64 = 2_519_044_085;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_root_is_what_the_seed_makes() {
        let pki = TestPki::published();
        assert_eq!(pki.root_der(), include_bytes!("../data/test-root.der"));
        assert_eq!(pki.root_pem(), include_str!("../data/test-root.pem"));
    }

    #[test]
    fn chains_are_reproducible_and_share_their_issuers() {
        let pki = TestPki::published();
        let now_ms = 1_790_000_000_000;
        let (first, again) = (pki.issue(now_ms), pki.issue(now_ms));
        assert_eq!(first.certificate, again.certificate);
        assert_eq!(first.cabundle, again.cabundle);
        let later = pki.issue(now_ms + 60_000);
        assert_eq!(first.cabundle, later.cabundle);
        assert_ne!(first.certificate, later.certificate);
        let all = first.cabundle.iter().chain([&first.certificate]);
        assert!(all.into_iter().all(|der| der.len() <= 1024));
    }
}
