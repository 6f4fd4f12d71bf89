//! The one error of this crate. Each case says what was expected, what was found and what the
//! operator can do; the text goes to the operator and, cut short, to the worker as the reason of a
//! refusal. It must never carry a secret of the TPM.

use std::path::{Path, PathBuf};

/// Why the device could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No TPM answers.
    #[error(
        "no TPM at {tcti}: {problem}\n  do: look for /dev/tpmrm0, switch the TPM on in the \
         firmware's settings, see that this user is in group tss, or name another with --tcti"
    )]
    Missing {
        /// Where it was looked for.
        tcti: String,
        /// What was found.
        problem: String,
    },
    /// The TPM defends itself against guessed passwords.
    #[error(
        "{what}: the TPM is locked out (TPM_RC_LOCKOUT): too many wrong passwords came\n  do: \
         wait until its lockout ends, or clear it with tpm2_dictionarylockout -c, and find who \
         sends wrong passwords"
    )]
    LockedOut {
        /// What was tried.
        what: String,
    },
    /// The TPM answered that it is busy, for too long.
    #[error(
        "{what}: the TPM kept answering that it is busy ({response}) for {seconds} s\n  do: see \
         which other program uses it; nothing is lost, the request is tried again"
    )]
    Busy {
        /// What was tried.
        what: String,
        /// Its last answer.
        response: String,
        /// How long.
        seconds: u64,
    },
    /// A quote took too long.
    #[error(
        "the TPM has not answered within {seconds} s\n  do: see which other program uses it; \
         --quote-wait allows a slower one"
    )]
    Slow {
        /// The deadline.
        seconds: u64,
    },
    /// The TPM has no room, although everything of ours was flushed.
    #[error(
        "{what}: the TPM has no free slot ({response}), even after all loaded objects were \
         flushed\n  do: use the kernel's resource manager (device:/dev/tpmrm0); for a persistent \
         key, remove one that is not needed: tpm2_getcap handles-persistent, tpm2_evictcontrol"
    )]
    OutOfHandles {
        /// What was tried.
        what: String,
        /// Its answer.
        response: String,
    },
    /// A hierarchy has a password.
    #[error(
        "{what}: the TPM wants a password ({response})\n  do: this release works with the empty \
         passwords of the owner and endorsement hierarchies only: tpm2_changeauth"
    )]
    Password {
        /// What was tried.
        what: String,
        /// Its answer.
        response: String,
    },
    /// The TPM refused, for another reason.
    #[error("{what}: the TPM refused: {response}\n  do: tpm2_rc_decode explains the code")]
    Refused {
        /// What was tried.
        what: String,
        /// Its answer.
        response: String,
    },
    /// The handle of the attestation key holds a key that is not ours.
    #[error(
        "handle {handle:#010x} holds another key: expected {expected}, found name {found}\n  do: \
         choose another handle with --ak-handle, or, if nobody needs that key, remove it: \
         tpm2_evictcontrol -C o -c {handle:#010x}"
    )]
    Occupied {
        /// The handle.
        handle: u32,
        /// The name of ours, or that there is none.
        expected: String,
        /// The name of what is there.
        found: String,
    },
    /// The attestation key is of another type than was asked for.
    #[error(
        "the attestation key at {handle:#010x} is {found}, expected {expected}\n  do: leave \
         --ak-type as it was, or use another --ak-handle and --state, and enrol again"
    )]
    KeyType {
        /// The handle.
        handle: u32,
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// There is no endorsement certificate.
    #[error(
        "the TPM has no endorsement certificate (looked at NV {looked})\n  do: without one a key \
         can only be pinned by its name, `probity-tpm ak` prints it; a vendor's certificate file \
         can be given with --ek-certificate"
    )]
    NoEkCertificate {
        /// Indices that were looked at.
        looked: String,
    },
    /// A bank that is needed is not active.
    #[error(
        "bank {wanted} is not active in this TPM, found {found}\n  do: choose another with \
         --bank, or switch it on: tpm2_pcrallocate, then reboot"
    )]
    Bank {
        /// The bank that was asked for.
        wanted: String,
        /// Those that are active.
        found: String,
    },
    /// The register does not hold what the log says.
    #[error(
        "PCR{register} was extended by someone else: the log of this device gives {expected}, \
         found {found}\n  do: reboot, so that the register starts anew, and find who extends it; \
         or choose another with --register N, in the policy too"
    )]
    Extended {
        /// The register.
        register: u8,
        /// Its value by the log.
        expected: String,
        /// Its value.
        found: String,
    },
    /// No room for another start.
    #[error(
        "the log of PCR{register} is full: {problem}\n  do: reboot, so that log and register \
         start anew"
    )]
    LogFull {
        /// The register.
        register: u8,
        /// Which limit.
        problem: String,
    },
    /// The TPM was reset since the device started: what was measured is gone.
    #[error(
        "the TPM was reset since the worker was started: {problem}; what was measured is gone, \
         the worker is stopped\n  do: start the device again, it measures anew"
    )]
    Reset {
        /// What told so.
        problem: String,
    },
    /// The TPM's clock went back without a reset.
    #[error(
        "the TPM's clock went back: last seen {last}, found {found}\n  do: see whether this TPM \
         or its state was put back; then remove kept.bin and state-key.json from the state's folder"
    )]
    ClockBack {
        /// Reset, restart and clock before.
        last: String,
        /// Now.
        found: String,
    },
    /// Registers kept changing while a quote was made.
    #[error(
        "the selected registers changed {tries} times while a quote was made\n  do: leave \
         registers out that the running system extends, such as PCR10: --pcr-select"
    )]
    Unsteady {
        /// How often it was tried.
        tries: u32,
    },
    /// The sealed state was made under other registers.
    #[error(
        "the state key is sealed to other register values: {problem}\n  do: after a wanted change \
         of firmware, worker or configuration this is right: a new key is made, and what the old \
         one kept is given up"
    )]
    Sealed {
        /// What the TPM said.
        problem: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of ours, or an input, does not hold what it should.
    #[error("{}: {problem}\n  do: {remedy}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What was expected, what was found.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Something of the operating system failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another device looks after this folder.
    #[error(
        "{}: another probity-tpm looks after this folder\n  do: stop it, or give each a folder of \
         its own with --state", path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The worker ends again and again.
    #[error(
        "the worker ended {ends} times within {seconds} s and is isolated: {last}\n  do: see what \
         it said, correct that, and start the device again"
    )]
    Isolated {
        /// How often.
        ends: u32,
        /// Within what time.
        seconds: u64,
        /// How it ended last.
        last: String,
    },
    /// The registrar refused, or its answer could not be used.
    #[error("enrolment: {0}")]
    Enrol(String),
    /// The host's library failed.
    #[error(transparent)]
    Host(#[from] parent::Error),
    /// The log or an event was refused.
    #[error("runtime log: {0}")]
    Log(#[from] attest::AttestError),
}

impl Error {
    /// An error about a file.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Error::File { path, source }
    }

    /// An error of the operating system.
    pub fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Error::System { what, source }
    }

    /// An error about what a file holds.
    pub fn content(path: &Path, problem: impl Into<String>, remedy: &'static str) -> Self {
        Error::Content { path: path.to_owned(), problem: problem.into(), remedy }
    }

    /// The first line, for a refusal that another program reads.
    pub fn reason(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }
}
