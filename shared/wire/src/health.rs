//! How the enclave's machine stands, for operators. Unsigned: it decides nothing, and nobody but
//! the operator may rely on it.

use cbor::{CborError, Reader, Writer};

closed! {
    /// What holds the enclave process, inside its image or on a host with a TPM. Each stands only
    /// after it was tried or the kernel confirmed it. The numbers are frozen: they stand in boot
    /// records too (`shared/proof/FORMAT.md` §6).
    pub enum Confinement {
        /// The root file system takes no write.
        ReadOnlyRoot,
        /// The device folder takes no new file.
        ReadOnlyDevices,
        /// No memory image is written when the process dies.
        NoCoreDumps,
        /// The process may have no more than `memory_limit_bytes` of writable memory.
        MemoryLimit,
        /// The kernel has no Internet sockets and no Unix sockets.
        NoNetwork,
        /// The process is not root and has no capability: it gave both up, or never had them.
        NotRoot,
        /// No program can give the process privileges.
        NoNewPrivileges,
        /// System calls outside the list end the process.
        SyscallFilter,
        /// The process has its own users: a capability among them is none among the host's.
        OwnUserNamespace,
        /// It has its own network, with no interface that is up.
        OwnNetworkNamespace,
        /// It has its own mounts.
        OwnMountNamespace,
        /// It has its own System V and POSIX queues, semaphores and shared memory.
        OwnIpcNamespace,
        /// It has its own host name.
        OwnUtsNamespace,
        /// Landlock refuses it every file but the kernel's entropy.
        Landlock,
        /// No page of its memory goes to swap. A host that hibernates writes it all the same.
        LockedMemory,
    }
}

/// How the enclave's machine stands. Times are milliseconds since its kernel started its clock;
/// 0 is a time that has not come, or that the platform does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether the enclave is the first process: our own image, or one with another's init.
    pub pid1: bool,
    /// When the process ran its first instruction.
    pub kernel_ms: u64,
    /// When the command link was opened.
    pub serving_ms: u64,
    /// When the boot configuration was measured and the keys were born.
    pub booted_ms: u64,
    /// When the log was quoted first.
    pub first_quote_ms: u64,
    /// Now.
    pub uptime_ms: u64,
    /// Memory that the kernel manages.
    pub memory_total_bytes: u64,
    /// Memory that nothing uses.
    pub memory_free_bytes: u64,
    /// Most writable memory that the process may have.
    pub memory_limit_bytes: u64,
    /// Evaluations in the log of this boot, as far as it is quoted.
    pub evaluations: u64,
    /// What holds the process.
    pub confinement: Vec<Confinement>,
}

impl Health {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.array(11).bool(self.pid1).uint(self.kernel_ms).uint(self.serving_ms);
        w.uint(self.booted_ms).uint(self.first_quote_ms).uint(self.uptime_ms);
        w.uint(self.memory_total_bytes).uint(self.memory_free_bytes);
        w.uint(self.memory_limit_bytes).uint(self.evaluations).array(self.confinement.len());
        for by in &self.confinement {
            w.uint(*by as u64);
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.array_of("health", 11)?;
        Ok(Self {
            pid1: r.bool()?,
            kernel_ms: r.uint()?,
            serving_ms: r.uint()?,
            booted_ms: r.uint()?,
            first_quote_ms: r.uint()?,
            uptime_ms: r.uint()?,
            memory_total_bytes: r.uint()?,
            memory_free_bytes: r.uint()?,
            memory_limit_bytes: r.uint()?,
            evaluations: r.uint()?,
            confinement: r.entries("confinement", Confinement::ALL.len(), Confinement::read)?,
        })
    }
}
