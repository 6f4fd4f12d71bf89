//! The closed list of system calls. What is not on it ends the process at once, and with the first
//! process the kernel. The list is what serving needs after everything was opened: memory, threads,
//! the open sockets, the NSM's one request, read-only opening, time and the machine's memory.

use crate::{InitError, failed};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
pub use seccompiler::BpfProgram;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// A call that is allowed with some arguments: number, argument, mask, value.
pub type Rule = (i64, u8, u64, u64);

/// The NSM driver's only request: read and write, 32 bytes, type 0x0A, number 0
/// (include/uapi/linux/nsm.h).
pub const NSM: Rule = (libc::SYS_ioctl, 1, u32::MAX as u64, 0xC020_0A00);

/// Calls that are allowed whatever their arguments.
const ALWAYS: &[i64] = &[
    // The open sockets: the listener and what it accepts; not `socket`, `connect` or `bind`.
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_close,
    // Kernel entropy, and standard error where a debug image has one.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_getrandom,
    // Memory: growing, giving back. Making it executable is below, and refused.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads: locks, starting, ending.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // A thread's signal stack and mask; the handler of a stack overflow; the end by abort.
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // Time, and how the machine stands.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_sysinfo,
];

/// What makes memory that can be run, a process, a written file.
const EXECUTABLE: u64 = libc::PROT_EXEC as u64;
const THREAD: u64 = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
const WRITING: u64 =
    (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND | libc::O_PATH) as u64;

/// More than one line of a number are alternatives.
const SOMETIMES: &[Rule] = &[
    (libc::SYS_mmap, 2, EXECUTABLE, 0),
    (libc::SYS_mprotect, 2, EXECUTABLE, 0),
    (libc::SYS_clone, 0, THREAD, THREAD),
    (libc::SYS_openat, 2, WRITING, libc::O_RDONLY as u64),
    // A socket's second and third handle.
    (libc::SYS_fcntl, 1, u32::MAX as u64, libc::F_DUPFD_CLOEXEC as u64),
    (libc::SYS_fcntl, 1, u32::MAX as u64, libc::F_GETFD as u64),
];

/// Puts the list, and `more`, in force for all threads of the process. It cannot be taken back.
pub fn install(more: &[Rule]) -> Result<(), InitError> {
    // Of two filters the stricter answer counts.
    for program in programs(more)? {
        apply_filter_all_threads(&program).map_err(refused)?;
    }
    Ok(())
}

/// The kernel's two programs that make up the list and `more`.
pub fn programs(more: &[Rule]) -> Result<[BpfProgram; 2], InitError> {
    // The flags of clone3 lie in memory, where a filter cannot look; without it glibc uses clone.
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let no_clone3 =
        program(BTreeMap::from([(libc::SYS_clone3, vec![])]), SeccompAction::Allow, missing)?;
    let list = program(rules(more)?, SeccompAction::KillProcess, SeccompAction::Allow)?;
    Ok([no_clone3, list])
}

fn rules(more: &[Rule]) -> Result<BTreeMap<i64, Vec<SeccompRule>>, InitError> {
    let always = ALWAYS.iter().chain(&[libc::SYS_clone3]);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always.map(|call| (*call, vec![])).collect();
    // A signal to one of its own threads: the end by abort. Never to another process.
    let to_itself = [(libc::SYS_tgkill, 0, u32::MAX as u64, std::process::id().into())];
    for (call, argument, mask, value) in SOMETIMES.iter().chain(more).chain(&to_itself) {
        let compare = SeccompCmpOp::MaskedEq(*mask);
        let condition = SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, compare, *value);
        let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
        rules.entry(*call).or_default().push(rule.map_err(refused)?);
    }
    Ok(rules)
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, InitError> {
    let here = std::env::consts::ARCH.try_into().map_err(refused)?;
    let filter = SeccompFilter::new(rules, otherwise, matching, here).map_err(refused)?;
    filter.try_into().map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> InitError {
    InitError::Filter(error.to_string())
}

/// Whether the kernel itself has neither Internet nor Unix sockets. That of our image must not;
/// another's may, and there the filter alone refuses them.
pub(crate) fn network_is_absent(pid1: bool) -> Result<bool, InitError> {
    for family in [AddressFamily::Inet, AddressFamily::Inet6, AddressFamily::Unix] {
        match socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None) {
            Ok(_) if pid1 => return Err(InitError::NotRefused("a network socket")),
            Ok(_) => return Ok(false),
            Err(Errno::EAFNOSUPPORT) => {}
            Err(problem) => return Err(failed("network socket")(problem)),
        }
    }
    Ok(true)
}
