//! The one error of this crate: what kept the program from starting or going on. It must never
//! carry a caller's data; what a caller is told is a [`crate::problem::Problem`].

use std::path::PathBuf;

/// Why the host could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A socket could not be used.
    #[error("{what}: {source}")]
    Socket {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process uses the data folder.
    #[error("{} is in use by another server (its LOCK is held)", path.display())]
    DataInUse {
        /// The data folder.
        path: PathBuf,
    },
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] Box<redb::Error>),
    /// The store holds something that this program did not write.
    #[error("store is damaged: {0}")]
    Damaged(String),
    /// A file of the rule authority is not what it should be.
    #[error("{what}: {source}")]
    Rules {
        /// Which file.
        what: &'static str,
        /// Why it was refused.
        source: rules::RulesError,
    },
    /// No enclave could parse the offer that the rule files make.
    #[error("rule files: {0}")]
    RuleFiles(wire::WireError),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(String),
    /// The enclave broke the protocol.
    #[error("enclave: {0}")]
    Enclave(String),
    /// The server's answer could not be used.
    #[error("{0}")]
    Answer(String),
    /// The files that say which enclaves are accepted cannot be used.
    #[error("{0}")]
    Accepted(String),
    /// The server does not accept the enclave's evidence.
    #[error("the enclave is not accepted, nothing is forwarded to it: {problem}; do: {remedy}")]
    NotAccepted {
        /// The check that refused.
        check: &'static str,
        /// The check, what was expected, what was found.
        problem: String,
        /// What the operator can do.
        remedy: &'static str,
    },
    /// The enclave's attestation was refused.
    #[error("attestation refused, the request was not sent: {0}\n  do: {r}", r = .0.remedy())]
    Attestation(Box<verify::VerifyError>),
    /// The proof was refused.
    #[error("the proof is refused: {0}\n  do: {r}", r = .0.remedy())]
    Proof(Box<verify::VerifyError>),
    /// A file is no enclave image, or no list of releases.
    #[error("{}: {problem}", path.display())]
    Image {
        /// Which file.
        path: PathBuf,
        /// Which check refused it.
        problem: Box<eif::EifError>,
    },
    /// An image is of no release that was expected.
    #[error(
        "PCR{index}: expected {expected}, found {found}\n  do: start an image whose release is in \
         {}, or bring the list up to date from a source you trust", file.display()
    )]
    Unexpected {
        /// The list.
        file: PathBuf,
        /// The first register that no release has.
        index: usize,
        /// Its values there, hexadecimal.
        expected: String,
        /// Its value here, hexadecimal.
        found: String,
    },
    /// What carries an enclave could not be started, asked or ended.
    #[error("{what}: {problem}\n  do: {remedy}")]
    Runner {
        /// Which part.
        what: String,
        /// What is wrong, with what was expected.
        problem: String,
        /// What the operator can do.
        remedy: &'static str,
    },
    /// An enrolment was refused, or a key or certificate for one cannot be used.
    #[error("{0}\n  do: {r}", r = .0.remedy())]
    Enrol(Box<enrol::EnrolError>),
    /// The registrar cannot do what it was asked to.
    #[error("{problem}\n  do: {remedy}")]
    Registrar {
        /// What is wrong, with what was expected.
        problem: String,
        /// What the operator can do.
        remedy: &'static str,
    },
    /// A request could not be sealed, or its reply not be opened.
    #[error("{0}\n  do: {r}", r = .0.remedy())]
    Seal(seal::SealError),
}

impl Error {
    /// An error about `path`.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Error::File { path, source }
    }

    /// An error about a socket.
    pub fn socket(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Error::Socket { what, source }
    }
}

impl From<wire::WireError> for Error {
    fn from(error: wire::WireError) -> Self {
        Error::Enclave(error.to_string())
    }
}
