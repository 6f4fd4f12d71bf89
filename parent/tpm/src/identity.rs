//! The attestation key: made once under the endorsement key, kept by the TPM at a fixed handle, and
//! remembered in the state's folder with what proves that the TPM made it. Order of making: key,
//! record on disk, persistent handle, certified creation; after a kill at any point the next start
//! goes on. It must never touch a key that its record does not name.

pub mod creation;
pub mod ek;

use crate::error::Error;
use crate::files::{self, hex};
use crate::tpm::Tpm;
use crate::tpm::raw::{Ticket, certified_creation, certify_creation};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tss_esapi::Context;
use tss_esapi::abstraction::{AsymmetricAlgorithmSelection, KeyCustomization, ak};
use tss_esapi::attributes::ObjectAttributesBuilder;
use tss_esapi::handles::{KeyHandle, ObjectHandle, PersistentTpmHandle, TpmHandle};
use tss_esapi::interface_types::algorithm::{HashingAlgorithm, SignatureSchemeAlgorithm};
use tss_esapi::interface_types::dynamic_handles::Persistent;
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::key_bits::RsaKeyBits;
use tss_esapi::interface_types::resource_handles::Provision;
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{Auth, CreationTicket, Ticket as _};

/// Name of the record in the state's folder.
const FILE: &str = "ak.json";
const VERSION: u32 = 1;
/// A password as long as the name's digest: the longest that the TPM takes.
const AUTH_BYTES: usize = 32;

/// Kinds of attestation keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum AkType {
    /// ECDSA over P-256 with SHA-256.
    EcdsaP256,
    /// RSASSA (PKCS #1 v1.5) with 2,048 bits and SHA-256.
    #[value(name = "rsa-2048")]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
}

/// What is remembered of the attestation key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AkRecord {
    /// Version of this form.
    pub version: u32,
    /// Its persistent handle.
    pub handle: u32,
    /// Its kind.
    pub kind: AkType,
    /// Under which endorsement key it was made.
    pub ek: ek::EkType,
    /// TPMT_PUBLIC.
    #[serde(with = "hex")]
    pub public: Vec<u8>,
    /// Its name.
    #[serde(with = "hex")]
    pub name: Vec<u8>,
    /// Its password, random: without it, whoever opens the TPM could quote what we measured.
    #[serde(with = "hex")]
    pub auth: Vec<u8>,
    /// TPMS_CREATION_DATA.
    #[serde(with = "hex")]
    pub creation_data: Vec<u8>,
    /// Its hash, as the TPM gave it.
    #[serde(with = "hex")]
    pub creation_hash: Vec<u8>,
    /// Hierarchy of the creation ticket.
    pub ticket_hierarchy: u32,
    /// The creation ticket's HMAC.
    #[serde(with = "hex")]
    pub ticket_digest: Vec<u8>,
    /// TPMS_ATTEST of TPM2_CertifyCreation, once it was made.
    #[serde(with = "hex")]
    pub creation_attest: Vec<u8>,
    /// Its TPMT_SIGNATURE.
    #[serde(with = "hex")]
    pub creation_signature: Vec<u8>,
}

impl AkType {
    /// For people.
    pub fn spoken(self) -> &'static str {
        match self {
            AkType::EcdsaP256 => "ecdsa-p256",
            AkType::Rsa2048 => "rsa-2048",
        }
    }

    fn algorithms(self) -> (AsymmetricAlgorithmSelection, SignatureSchemeAlgorithm) {
        match self {
            AkType::EcdsaP256 => (
                AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP256),
                SignatureSchemeAlgorithm::EcDsa,
            ),
            AkType::Rsa2048 => (
                AsymmetricAlgorithmSelection::Rsa(RsaKeyBits::Rsa2048),
                SignatureSchemeAlgorithm::RsaSsa,
            ),
        }
    }
}

impl AkRecord {
    /// What the folder remembers.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let record: Option<Self> = files::read_json(&path)?;
        match record {
            Some(record) if record.version != VERSION => {
                let problem = format!("expected version {VERSION}, found {}", record.version);
                Err(Error::content(&path, problem, "use the release that wrote it"))
            }
            record => Ok(record),
        }
    }

    fn write(&self, folder: &Path) -> Result<(), Error> {
        files::write_json(&folder.join(FILE), self)
    }
}

/// The attestation key: found, or made. Refuses a handle that holds another key.
pub fn ensure(tpm: &mut Tpm, folder: &Path, handle: u32, kind: AkType) -> Result<AkRecord, Error> {
    let record = AkRecord::read(folder)?;
    if let Some(record) = &record
        && record.handle != handle
    {
        let problem = format!("expected handle {handle:#010x}, found {:#010x}", record.handle);
        let remedy = "leave --ak-handle as it was, or use another --state and enrol again";
        return Err(Error::content(&folder.join(FILE), problem, remedy));
    }
    let found = tpm.public_of(handle)?;
    let record = match (found, record) {
        (Some(found), Some(record)) if found.name == record.name => record,
        (Some(found), record) => {
            let expected = match record {
                Some(record) => format!("ours, name {}", crypto::to_hex(&record.name)),
                None => "no key: this state's folder has none yet".to_owned(),
            };
            let found = crypto::to_hex(&found.name);
            return Err(Error::Occupied { handle, expected, found });
        }
        (None, _) => make(tpm, folder, handle, kind)?,
    };
    if record.kind != kind {
        let (expected, found) = (kind.spoken(), record.kind.spoken().to_owned());
        return Err(Error::KeyType { handle, expected, found });
    }
    tpm.set_auth(handle, &record.auth);
    if record.creation_attest.is_empty() {
        return certify(tpm, folder, record);
    }
    Ok(record)
}

/// Makes the key, writes its record, keeps it: a key at the handle without a record would be
/// another's, and a record without a key is written again.
fn make(tpm: &mut Tpm, folder: &Path, handle: u32, kind: AkType) -> Result<AkRecord, Error> {
    let ek = ek::choose(tpm)?;
    let (algorithm, scheme) = kind.algorithms();
    let auth = tpm.random(AUTH_BYTES)?;
    let password = || Auth::try_from(auth.to_vec());
    let key = tpm.call("making the attestation key", |context| {
        with_ek(context, ek, |context, parent| {
            let hash = HashingAlgorithm::Sha256;
            ak::create_ak_2(context, parent, hash, algorithm, scheme, Some(password()?), Ak)
        })
    })?;
    let public = tpm.bytes_of("TPMT_PUBLIC", &key.out_public)?;
    let ticket: &CreationTicket = &key.creation_ticket;
    let record = AkRecord {
        version: VERSION,
        handle,
        kind,
        ek,
        name: name(&public),
        public,
        auth: auth.to_vec(),
        creation_data: creation::bytes(key.creation_data),
        creation_hash: key.creation_hash.value().to_vec(),
        ticket_hierarchy: TpmHandle::from(ticket.hierarchy()).into(),
        ticket_digest: ticket.digest().to_vec(),
        creation_attest: Vec::new(),
        creation_signature: Vec::new(),
    };
    record.write(folder)?;
    tpm.call("keeping the attestation key", |context| {
        with_ek(context, ek, |context, parent| {
            let (private, area) = (key.out_private.clone(), key.out_public.clone());
            let loaded = ak::load_ak(context, parent, Some(password()?), private, area)?;
            let kept = persist(context, loaded, handle);
            let flushed = context.flush_context(ObjectHandle::from(loaded));
            kept?;
            flushed
        })
    })?;
    Ok(record)
}

/// Our keys' nameAlg is SHA-256 (Part 1, 16).
fn name(public: &[u8]) -> Vec<u8> {
    let algorithm = attest::tpm::HashAlgorithm::Sha256;
    [&algorithm.id().to_be_bytes()[..], &algorithm.digest(&[public])].concat()
}

fn persist(context: &mut Context, key: KeyHandle, handle: u32) -> tss_esapi::Result<()> {
    let at = Persistent::Persistent(PersistentTpmHandle::new(handle)?);
    context.execute_with_session(Some(AuthSession::Password), |context| {
        context.evict_control(Provision::Owner, key.into(), at).map(drop)
    })
}

/// The proof that the TPM made the key, by the key itself (check T7 of the registrar).
fn certify(tpm: &mut Tpm, folder: &Path, mut record: AkRecord) -> Result<AkRecord, Error> {
    let ticket =
        Ticket { hierarchy: record.ticket_hierarchy, digest: record.ticket_digest.clone() };
    let answer =
        tpm.raw(&certify_creation((record.handle, &record.auth), &record.creation_hash, &ticket))?;
    let certified = certified_creation(&answer)?;
    record.creation_attest = certified.attest;
    record.creation_signature = certified.signature;
    record.write(folder)?;
    Ok(record)
}

/// Loads the endorsement key, does something under it, flushes it.
pub(crate) fn with_ek<T>(
    context: &mut Context,
    kind: ek::EkType,
    work: impl FnOnce(&mut Context, KeyHandle) -> tss_esapi::Result<T>,
) -> tss_esapi::Result<T> {
    use tss_esapi::abstraction::{DefaultKey, ek::create_ek_object_2};
    let key = create_ek_object_2(context, kind.algorithm(), DefaultKey)?;
    let done = work(context, key);
    let flushed = context.flush_context(ObjectHandle::from(key));
    let done = done?;
    flushed?;
    Ok(done)
}

/// Our attestation key's template: that of the TSS, and no dictionary-attack protection, which its
/// random password does not need: a TPM that is locked out by others goes on quoting.
#[derive(Debug, Clone, Copy)]
struct Ak;

impl KeyCustomization for Ak {
    fn attributes(&self, attributes: ObjectAttributesBuilder) -> ObjectAttributesBuilder {
        attributes.with_no_da(true)
    }
}
