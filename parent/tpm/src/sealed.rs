//! The state key: 32 random bytes of the TPM, sealed under its storage hierarchy to the values of
//! every selected register, ours included: after a change of firmware, worker or configuration it
//! cannot be unsealed. What is kept under it must be something that may be lost then; today that
//! is the last clock seen. It protects against reading and altering, and not against putting back
//! an older file that this same TPM sealed.

use crate::error::Error;
use crate::files::{self, hex};
use crate::limits::FILE_BYTES_MAX;
use crate::tpm::{Selection, Tpm};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tss_esapi::Context;
use tss_esapi::attributes::ObjectAttributesBuilder;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{KeyHandle, ObjectHandle, SessionHandle};
use tss_esapi::interface_types::algorithm::{HashingAlgorithm, PublicAlgorithm};
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{
    Digest, EccPoint, EccScheme, KeyDerivationFunctionScheme, KeyedHashScheme, Private, Public,
    PublicBuilder, PublicEccParametersBuilder, PublicKeyedHashParameters, SensitiveData,
    SymmetricDefinition, SymmetricDefinitionObject,
};
use tss_esapi::traits::UnMarshall as _;
use zeroize::Zeroizing;

/// Name of the sealed key in the state's folder.
pub const FILE: &str = "state-key.json";
const VERSION: u32 = 1;
const KEY_BYTES: usize = 32;
/// TPM_RC_POLICY_FAIL, PCR_CHANGED; INTEGRITY, as after TPM2_Clear or in another TPM.
const OTHER_REGISTERS: [&str; 4] = ["0x99d", "0x128", "0x1df", "0x9f"];
/// What is kept is bound to what it is for.
const AAD: &[u8] = b"probity/v1/tpm-state";

/// The key, unsealed.
pub struct StateKey(Zeroizing<Vec<u8>>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// TPMT_PUBLIC of the sealed object.
    #[serde(with = "hex")]
    public: Vec<u8>,
    /// Contents of its TPM2B_PRIVATE.
    #[serde(with = "hex")]
    private: Vec<u8>,
}

impl StateKey {
    /// Unseals the key of a folder; makes a new one where there is none, or where registers have
    /// changed since, and says which.
    pub fn open_or_make(
        tpm: &mut Tpm,
        folder: &Path,
        selection: &Selection,
    ) -> Result<(Self, String), Error> {
        let said = match Self::unseal(tpm, folder, selection) {
            Ok(Some(key)) => return Ok((key, "unsealed".into())),
            Ok(None) => "made".to_owned(),
            Err(error @ Error::Sealed { .. }) => format!("made anew: {}", error.reason()),
            Err(error) => return Err(error),
        };
        Ok((Self::make(tpm, folder, selection)?, said))
    }

    /// The key of a folder, if there is one; [`Error::Sealed`] when the registers are others.
    pub fn unseal(
        tpm: &mut Tpm,
        folder: &Path,
        selection: &Selection,
    ) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let Some(stored) = files::read_json::<Stored>(&path)? else { return Ok(None) };
        let unsealed = tpm.call("TPM2_Unseal", |context| {
            let public = Public::unmarshall(&stored.public)?;
            let private = Private::try_from(stored.private.as_slice())?;
            under_storage_key(context, |context, parent| {
                let sealed =
                    with_password(context, |context| context.load(parent, private, public))?;
                let unsealed = unseal_loaded(context, sealed, selection);
                context.flush_context(ObjectHandle::from(sealed))?;
                unsealed
            })
        });
        match unsealed {
            Ok(key) if key.value().len() == KEY_BYTES && stored.version == VERSION => {
                Ok(Some(Self(Zeroizing::new(key.value().to_vec()))))
            }
            Ok(_) => {
                let problem = format!("expected {KEY_BYTES} bytes of version {VERSION}");
                Err(Error::content(&path, problem, "remove it: a new key is made"))
            }
            Err(Error::Refused { what, response })
                if OTHER_REGISTERS.iter().any(|code| response.starts_with(code)) =>
            {
                Err(Error::Sealed { problem: format!("{what}: {response}") })
            }
            Err(error) => Err(error),
        }
    }

    fn make(tpm: &mut Tpm, folder: &Path, selection: &Selection) -> Result<Self, Error> {
        let key = tpm.random(KEY_BYTES)?;
        let (public, private) = tpm.call("sealing the state key", |context| {
            let policy = policy_digest(context, selection)?;
            under_storage_key(context, |context, parent| {
                let object = sealed_object(policy)?;
                let secret = SensitiveData::try_from(key.to_vec())?;
                let made = with_password(context, |context| {
                    context.create(parent, object, None, Some(secret), None, None)
                })?;
                Ok((made.out_public, made.out_private))
            })
        })?;
        let public = tpm.bytes_of("TPMT_PUBLIC", &public)?;
        let private = private.value().to_vec();
        files::write_json(&folder.join(FILE), &Stored { version: VERSION, public, private })?;
        Ok(Self(key))
    }

    /// Encrypts and writes.
    pub fn write(&self, tpm: &mut Tpm, path: &Path, plain: &[u8]) -> Result<(), Error> {
        let nonce = tpm.random(NONCE_LEN)?;
        let mut bytes = plain.to_vec();
        let failed = |_| Error::content(path, "it could not be encrypted", "report this");
        let at = Nonce::try_assume_unique_for_key(&nonce).map_err(failed)?;
        let done = self.key().seal_in_place_append_tag(at, Aad::from(AAD), &mut bytes);
        done.map_err(failed)?;
        files::write(path, &[&nonce[..], &bytes].concat())
    }

    /// Reads and decrypts; `None` when there is nothing, or nothing of this key.
    pub fn read(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some(bytes) = files::read_up_to(path, FILE_BYTES_MAX)? else { return Ok(None) };
        let Some((nonce, sealed)) = bytes.split_at_checked(NONCE_LEN) else { return Ok(None) };
        let Ok(at) = Nonce::try_assume_unique_for_key(nonce) else { return Ok(None) };
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = self.key().open_in_place(at, Aad::from(AAD), &mut sealed);
        Ok(plain.ok().map(|plain| Zeroizing::new(plain.to_vec())))
    }

    fn key(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.0);
        LessSafeKey::new(key.expect("because the key has 32 bytes"))
    }
}

/// PolicyPCR over the selection as it is now.
fn policy_digest(context: &mut Context, selection: &Selection) -> tss_esapi::Result<Digest> {
    with_policy(context, SessionType::Trial, selection, |context, session| {
        context.policy_get_digest(PolicySession::try_from(session)?)
    })
}

fn unseal_loaded(
    context: &mut Context,
    sealed: KeyHandle,
    selection: &Selection,
) -> tss_esapi::Result<SensitiveData> {
    with_policy(context, SessionType::Policy, selection, |context, session| {
        context.execute_with_session(Some(session), |context| context.unseal(sealed.into()))
    })
}

/// A session that has gone through PolicyPCR.
fn with_policy<T>(
    context: &mut Context,
    kind: SessionType,
    selection: &Selection,
    work: impl FnOnce(&mut Context, AuthSession) -> tss_esapi::Result<T>,
) -> tss_esapi::Result<T> {
    let (cipher, hash) = (SymmetricDefinition::AES_128_CFB, HashingAlgorithm::Sha256);
    let session = context.execute_without_session(|context| {
        context.start_auth_session(None, None, None, kind, cipher, hash)
    })?;
    let session = session
        .ok_or(tss_esapi::Error::WrapperError(tss_esapi::WrapperErrorKind::WrongValueFromTpm))?;
    let list = selection.list();
    let measured = list.and_then(|list| {
        context.policy_pcr(PolicySession::try_from(session)?, Digest::default(), list)
    });
    let done = measured.and_then(|()| work(context, session));
    // A session that was used up is gone already.
    context.flush_context(ObjectHandle::from(SessionHandle::from(session))).ok();
    done
}

/// The storage key of the owner's hierarchy: the same each time, as its template and seed are.
fn under_storage_key<T>(
    context: &mut Context,
    work: impl FnOnce(&mut Context, KeyHandle) -> tss_esapi::Result<T>,
) -> tss_esapi::Result<T> {
    let template = storage_key()?;
    let parent = with_password(context, |context| {
        context.create_primary(Hierarchy::Owner, template, None, None, None, None)
    })?
    .key_handle;
    let done = work(context, parent);
    context.flush_context(ObjectHandle::from(parent))?;
    done
}

fn with_password<T>(
    context: &mut Context,
    work: impl FnOnce(&mut Context) -> tss_esapi::Result<T>,
) -> tss_esapi::Result<T> {
    context.execute_with_session(Some(AuthSession::Password), work)
}

fn storage_key() -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_restricted(true)
        .with_decrypt(true)
        .build()?;
    let parameters = PublicEccParametersBuilder::new()
        .with_symmetric(SymmetricDefinitionObject::AES_128_CFB)
        .with_ecc_scheme(EccScheme::Null)
        .with_curve(EccCurve::NistP256)
        .with_key_derivation_function_scheme(KeyDerivationFunctionScheme::Null)
        .with_is_signing_key(false)
        .with_is_decryption_key(true)
        .with_restricted(true)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(parameters)
        .with_ecc_unique_identifier(EccPoint::default())
        .build()
}

/// Its policy is the only way in: no password.
fn sealed_object(policy: Digest) -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_no_da(true)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy)
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(KeyedHashScheme::Null))
        .with_keyed_hash_unique_identifier(Digest::default())
        .build()
}
