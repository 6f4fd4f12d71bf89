//! The connection to the TPM: one context of the TSS, owned by one thread. A busy TPM is asked
//! again for a bounded time, a full one is emptied of what is loaded, a connection that broke is
//! opened again at the next command. It must never send TPM2_Clear, change a password or a bank, or
//! reset anything.

pub mod raw;
mod registers;
mod trouble;

pub use registers::{Bank, Clock, Quote, Selection};

use crate::error::Error;
use crate::limits::{BUSY_PAUSE_MAX, BUSY_PAUSE_MIN, BUSY_WAIT, HANDLES_MAX};
use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::time::Instant;
use trouble::Trouble;
use tss_esapi::Context;
use tss_esapi::TctiNameConf;
use tss_esapi::constants::CapabilityType;
use tss_esapi::handles::{KeyHandle, PersistentTpmHandle, TpmHandle};
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{Auth, CapabilityData, Name, Public};
use zeroize::Zeroizing;

/// First handle of the loaded objects (Part 2, 7.4).
const TRANSIENT_FIRST: u32 = 0x8000_0000;
/// First handle of the loaded sessions.
const LOADED_SESSION_FIRST: u32 = 0x0200_0000;

/// A TPM.
pub struct Tpm {
    tcti: String,
    connection: Option<Connection>,
    /// Passwords of persistent keys.
    auths: BTreeMap<u32, Zeroizing<Vec<u8>>>,
}

/// What ends with a connection.
struct Connection {
    context: Context,
    /// Persistent keys that were looked up.
    keys: BTreeMap<u32, KeyHandle>,
}

/// A key's public area as the TPM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// TPMT_PUBLIC.
    pub public: Vec<u8>,
    /// nameAlg and digest.
    pub name: Vec<u8>,
    /// The name of the key with those of its parents.
    pub qualified_name: Vec<u8>,
}

impl Tpm {
    /// Connects, and flushes what a process that was killed may have left loaded.
    pub fn open(tcti: &str) -> Result<Self, Error> {
        let mut tpm = Self { tcti: tcti.to_owned(), connection: None, auths: BTreeMap::new() };
        tpm.flush()?;
        Ok(tpm)
    }

    /// Does `work` on the context, again while the TPM is busy. `work` flushes what it loads.
    pub fn call<T>(
        &mut self,
        what: &str,
        mut work: impl FnMut(&mut Context) -> tss_esapi::Result<T>,
    ) -> Result<T, Error> {
        let (start, mut pause, mut has_flushed) = (Instant::now(), BUSY_PAUSE_MIN, false);
        loop {
            let error = match work(&mut self.connection()?.context) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let response = trouble::spoken(error);
            let what = what.to_owned();
            match Trouble::of(error) {
                Trouble::Busy if start.elapsed() < BUSY_WAIT => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(BUSY_PAUSE_MAX);
                }
                Trouble::Busy => {
                    let seconds = start.elapsed().as_secs();
                    return Err(Error::Busy { what, response, seconds });
                }
                Trouble::Full if !has_flushed => {
                    has_flushed = true;
                    self.flush()?;
                }
                Trouble::Full => return Err(Error::OutOfHandles { what, response }),
                Trouble::LockedOut => return Err(Error::LockedOut { what }),
                Trouble::Password => return Err(Error::Password { what, response }),
                Trouble::NotStarted => {
                    let problem = format!("{what}: TPM_RC_INITIALIZE");
                    return Err(Error::Reset { problem });
                }
                Trouble::Gone => {
                    self.connection = None;
                    let problem = format!("{what}: {response}");
                    return Err(Error::Missing { tcti: self.tcti.clone(), problem });
                }
                Trouble::Other => return Err(Error::Refused { what, response }),
            }
        }
    }

    /// The same, with the empty password for the command's first handle.
    pub fn call_with_password<T>(
        &mut self,
        what: &str,
        mut work: impl FnMut(&mut Context) -> tss_esapi::Result<T>,
    ) -> Result<T, Error> {
        self.call(what, |context| {
            context.execute_with_session(Some(AuthSession::Password), |context| work(context))
        })
    }

    /// A persistent key, looked up once a connection.
    pub fn key(&mut self, handle: u32) -> Result<KeyHandle, Error> {
        if let Some(key) = self.connection()?.keys.get(&handle) {
            return Ok(*key);
        }
        let key = self.call("looking up a persistent key", |context| {
            let handle = TpmHandle::Persistent(PersistentTpmHandle::new(handle)?);
            context.execute_without_session(|context| context.tr_from_tpm_public(handle))
        })?;
        if let Some(auth) = self.auths.get(&handle).cloned() {
            self.call("the key's password", |context| {
                context.tr_set_auth(key, Auth::try_from(auth.to_vec())?)
            })?;
        }
        let key = KeyHandle::from(key);
        self.connection()?.keys.insert(handle, key);
        Ok(key)
    }

    /// The password of a persistent key from now on.
    pub fn set_auth(&mut self, handle: u32, auth: &[u8]) {
        self.auths.insert(handle, Zeroizing::new(auth.to_vec()));
        if let Some(connection) = &mut self.connection {
            connection.keys.remove(&handle);
        }
    }

    /// The key at a persistent handle; `None` when there is none.
    pub fn public_of(&mut self, handle: u32) -> Result<Option<PublicKey>, Error> {
        let handles = self.handles(handle)?;
        if !handles.contains(&handle) {
            return Ok(None);
        }
        let key = self.key(handle)?;
        self.public_key(key).map(Some)
    }

    /// The public area of a loaded key.
    pub fn public_key(&mut self, key: KeyHandle) -> Result<PublicKey, Error> {
        let (public, name, qualified): (Public, Name, Name) = self
            .call("TPM2_ReadPublic", |context| {
                context.execute_without_session(|context| context.read_public(key))
            })?;
        Ok(PublicKey {
            public: self.bytes_of("TPMT_PUBLIC", &public)?,
            name: name.value().to_vec(),
            qualified_name: qualified.value().to_vec(),
        })
    }

    /// A structure as the TPM writes it.
    pub fn bytes_of<T: tss_esapi::traits::Marshall>(
        &self,
        what: &str,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        value.marshall().map_err(|error| Error::Refused {
            what: what.to_owned(),
            response: trouble::spoken(error),
        })
    }

    /// Handles from one on, of its kind.
    pub fn handles(&mut self, from: u32) -> Result<Vec<u32>, Error> {
        let list = self.call("TPM2_GetCapability", |context| {
            context.execute_without_session(|context| {
                context.get_capability(CapabilityType::Handles, from, HANDLES_MAX)
            })
        })?;
        Ok(match list.0 {
            CapabilityData::Handles(handles) => handles.iter().map(|one| (*one).into()).collect(),
            _ => Vec::new(),
        })
    }

    /// Flushes every object and session that is loaded; `work` above has none at that moment.
    /// Behind a resource manager those are ours alone, and without one nobody else can be
    /// connected.
    pub fn flush(&mut self) -> Result<(), Error> {
        let context = &mut self.connection()?.context;
        for first in [TRANSIENT_FIRST, LOADED_SESSION_FIRST] {
            let listed = context.execute_without_session(|context| {
                context.get_capability(CapabilityType::Handles, first, HANDLES_MAX)
            });
            let Ok((CapabilityData::Handles(handles), _)) = listed else { continue };
            for handle in handles.iter().copied() {
                flush_one(context, handle);
            }
        }
        Ok(())
    }

    /// Random bytes of the TPM, as many as were asked for.
    pub fn random(&mut self, count: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(count));
        while bytes.len() < count {
            let wanted = (count - bytes.len()).min(RANDOM_BYTES);
            let part = self.call("TPM2_GetRandom", |context| {
                context.execute_without_session(|context| context.get_random(wanted))
            })?;
            if part.is_empty() {
                let response = "it gave no random bytes".to_owned();
                return Err(Error::Refused { what: "TPM2_GetRandom".into(), response });
            }
            let missing = count - bytes.len();
            bytes.extend_from_slice(&part[..part.len().min(missing)]);
        }
        Ok(bytes)
    }

    /// Sends a command that the TSS for Rust has no call for, over a connection of its own.
    pub fn raw(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        // Without a resource manager there is one connection at a time.
        self.connection = None;
        raw::transact(&self.tcti, command)
    }

    fn connection(&mut self) -> Result<&mut Connection, Error> {
        if self.connection.is_none() {
            let context = self.open_context()?;
            self.connection = Some(Connection { context, keys: BTreeMap::new() });
        }
        Ok(self.connection.as_mut().expect("it was just opened"))
    }

    fn open_context(&self) -> Result<Context, Error> {
        let missing =
            |error| Error::Missing { tcti: self.tcti.clone(), problem: trouble::spoken(error) };
        let tcti = TctiNameConf::from_str(&self.tcti).map_err(missing)?;
        Context::new(tcti).map_err(missing)
    }
}

/// Gone already is what is wanted, and a session of another kind stays.
fn flush_one(context: &mut Context, handle: TpmHandle) {
    let found = context.execute_without_session(|context| context.tr_from_tpm_public(handle));
    if let Ok(object) = found {
        context.flush_context(object).ok();
    }
}

/// A TPM gives at most the size of its largest digest at once.
const RANDOM_BYTES: usize = 32;
