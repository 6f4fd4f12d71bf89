//! The filter's two programs, run here instruction by instruction over calls that no test can make
//! without `unsafe`: executable memory, other tables of system calls, every argument that is looked
//! at. Of two programs the stricter answer counts, as in the kernel.

use init::filter::{BpfProgram, NSM, programs};
use nix::libc;

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_I386` (include/uapi/linux/audit.h).
const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;
/// Bit of the numbers of the x32 table, which the kernel reports as x86_64's.
const X32: i64 = 0x4000_0000;
/// Beyond the last number of any table.
const NUMBERS_END: i64 = 1024;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// One system call, as the kernel lays it out for a filter.
#[derive(Clone, Copy)]
struct Call {
    architecture: u32,
    number: i64,
    arguments: [u64; 6],
}

impl Call {
    fn new(number: i64) -> Self {
        Self { architecture: X86_64, number, arguments: [0; 6] }
    }

    fn with(number: i64, index: usize, value: u64) -> Self {
        let mut call = Self::new(number);
        call.arguments[index] = value;
        call
    }

    /// The word at a place of `struct seccomp_data`.
    fn word(&self, at: u32) -> u32 {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend((self.number as u32).to_le_bytes());
        bytes.extend(self.architecture.to_le_bytes());
        bytes.extend([0; 8]);
        self.arguments.iter().for_each(|argument| bytes.extend(argument.to_le_bytes()));
        let at = at as usize;
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    }
}

/// What a program returns; it has no loops, so that it ends.
fn run(program: &BpfProgram, call: &Call) -> u32 {
    let (mut accumulator, mut at) = (0, 0);
    loop {
        let instruction = &program[at];
        let (k, jump) = (instruction.k, |condition| {
            usize::from(if condition { instruction.jt } else { instruction.jf })
        });
        at += 1;
        match u32::from(instruction.code) {
            0x20 => accumulator = call.word(k),
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(accumulator == k),
            0x25 => at += jump(accumulator > k),
            0x35 => at += jump(accumulator >= k),
            0x45 => at += jump(accumulator & k != 0),
            0x06 => return k,
            other => panic!("instruction {other:#x} is not known here"),
        }
    }
}

struct Filter([BpfProgram; 2]);

impl Filter {
    /// What the image installs.
    fn of_the_image() -> Self {
        Self(programs(&[NSM]).expect("the programs"))
    }

    fn answer(&self, call: &Call) -> u32 {
        let answers = self.0.iter().map(|program| run(program, call));
        // As signed numbers of the action: the least is the strictest.
        answers.min_by_key(|answer| (answer & libc::SECCOMP_RET_ACTION_FULL) as i32).expect("two")
    }

    fn allows(&self, call: &Call) -> bool {
        match self.answer(call) {
            ALLOW => true,
            KILL => false,
            other => panic!("{other:#x} for call {}", call.number),
        }
    }
}

#[test]
fn no_memory_becomes_executable() {
    let filter = Filter::of_the_image();
    // Three bits of access, PROT_SEM, growth up and down, and what only an odd caller would set.
    let odd = [0, 8, 1 << 24, 1 << 25, 1 << 31, 1 << 32, u64::MAX << 32];
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        for (access, odd) in (0..8).flat_map(|access| odd.map(|odd| (access, odd))) {
            let protection = access | odd;
            let wanted = protection & libc::PROT_EXEC as u64 == 0;
            let found = filter.allows(&Call::with(call, 2, protection));
            assert_eq!(found, wanted, "call {call} with protection {protection:#x}");
        }
    }
    for other in [libc::SYS_pkey_mprotect, libc::SYS_shmat, libc::SYS_personality] {
        assert!(!filter.allows(&Call::new(other)), "{other}");
    }
}

#[test]
fn every_argument_that_is_looked_at_decides() {
    let filter = Filter::of_the_image();
    let (call, index, _, request) = NSM;
    for bit in 0..32 {
        let other = Call::with(call, usize::from(index), request ^ (1 << bit));
        assert!(!filter.allows(&other), "device request with bit {bit} changed");
    }
    assert!(filter.allows(&Call::with(call, usize::from(index), request)));
    assert!(!Filter(programs(&[]).expect("the programs")).allows(&Call::with(call, 1, request)));

    let commands: Vec<_> = (0..2048)
        .filter(|command| filter.allows(&Call::with(libc::SYS_fcntl, 1, *command)))
        .collect();
    assert_eq!(commands, [libc::F_GETFD, libc::F_DUPFD_CLOEXEC].map(|command| command as u64));

    let thread = [libc::CLONE_VM, libc::CLONE_THREAD, libc::CLONE_SIGHAND].map(|one| one as u64);
    let all = thread.iter().fold(0, |all, one| all | one);
    assert!(filter.allows(&Call::with(libc::SYS_clone, 0, all | libc::CLONE_FS as u64)));
    for missing in thread {
        let process = Call::with(libc::SYS_clone, 0, all & !missing);
        assert!(!filter.allows(&process), "clone without {missing:#x}");
    }

    let own = u64::from(std::process::id());
    assert!(filter.allows(&Call::with(libc::SYS_tgkill, 0, own)));
    for other in [0, 1, own + 1, own ^ (1 << 31)] {
        let signal = Call::with(libc::SYS_tgkill, 0, other);
        assert!(!filter.allows(&signal), "a signal to process {other}");
    }

    let reading = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK) as u64;
    assert!(filter.allows(&Call::with(libc::SYS_openat, 2, reading)));
    for more in [
        libc::O_WRONLY,
        libc::O_RDWR,
        libc::O_CREAT,
        libc::O_TRUNC,
        libc::O_APPEND,
        libc::O_PATH,
        libc::O_TMPFILE | libc::O_RDWR,
    ] {
        let writing = Call::with(libc::SYS_openat, 2, reading | more as u64);
        assert!(!filter.allows(&writing), "opening with {more:#o}");
    }
}

#[test]
fn other_tables_and_unknown_numbers_end_the_process() {
    let filter = Filter::of_the_image();
    let numbers = (0..NUMBERS_END).chain([-1, i64::from(i32::MAX), i64::from(i32::MIN)]);
    for number in numbers.clone() {
        let foreign = Call { architecture: I386, ..Call::new(number) };
        assert!(!filter.allows(&foreign), "number {number} of i386");
        if number >= 0 {
            assert!(!filter.allows(&Call::new(number | X32)), "number {number} of x32");
        }
    }
    // glibc tries the newer call first and takes this for an old kernel.
    assert_eq!(filter.answer(&Call::new(libc::SYS_clone3)), ENOSYS);
    let allowed =
        numbers.filter(|number| *number != libc::SYS_clone3 && filter.allows(&Call::new(*number)));
    // With arguments of zeros: those that are allowed always, and three of the others.
    let allowed = allowed.count();
    assert_eq!(allowed, 32, "a call more or less than this test was written for");
    for never in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_ptrace,
        libc::SYS_process_vm_writev,
        libc::SYS_io_uring_setup,
        libc::SYS_bpf,
        libc::SYS_memfd_create,
        libc::SYS_mount,
        libc::SYS_seccomp,
        libc::SYS_prctl,
        libc::SYS_reboot,
        libc::SYS_open,
        libc::SYS_openat2,
    ] {
        assert!(!filter.allows(&Call::new(never)), "{never}");
    }
}
