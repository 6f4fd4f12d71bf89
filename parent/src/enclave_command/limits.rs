//! Every limit of `probity enclave` and `probity eif` in one place, unit last. No wait, file or
//! answer of another program that is not named here may grow.

use std::time::Duration;

/// Largest image that is read, in bytes.
pub const EIF_BYTES_MAX: u64 = 512 << 20;
/// Largest file of expected measurements, in bytes.
pub const MEASUREMENTS_BYTES_MAX: u64 = 1 << 20;
/// Largest state file, in bytes.
pub const STATE_BYTES_MAX: u64 = 64 << 10;
/// Largest answer of nitro-cli that is read, in bytes.
pub const NITRO_BYTES_MAX: u64 = 1 << 20;
/// Least memory of an enclave that nitro-cli takes, in images.
pub const NITRO_MEMORY_IMAGES_MIN: u64 = 4;
/// Longest path of a Unix socket, in bytes (Linux: 108 with the closing zero).
pub const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Memory of the enclave, unless the command line says otherwise, in MiB.
pub const MEMORY_MIB: u32 = 512;
/// Least and most memory that can be asked for, in MiB.
pub const MEMORY_MIB_RANGE: std::ops::RangeInclusive<u32> = 64..=1 << 20;
/// Processors of the enclave, unless the command line says otherwise.
pub const CPUS: u32 = 2;
/// Least and most processors that can be asked for.
pub const CPUS_RANGE: std::ops::RangeInclusive<u32> = 1..=64;
/// Context id of the enclave, unless the command line says otherwise.
pub const CID: u32 = 16;
/// Context ids that an enclave may have: 0 to 3 are the hypervisor's, the loop's, the host's and
/// the parent's.
pub const CID_RANGE: std::ops::RangeInclusive<u32> = 4..=u32::MAX - 1;
/// Port of the command link in the enclave.
pub const COMMAND_PORT: u32 = 5000;
/// Port on which the parent hears the enclave's first sign of life.
pub const HEARTBEAT_PORT: u32 = 9000;
/// The byte that the enclave sends there and wants back.
pub const HEARTBEAT: u8 = 0xb7;

/// How long an enclave may take from its start to the heartbeat, unless the command line says
/// otherwise. Software emulation on a busy machine takes tens of seconds.
pub const HEARTBEAT_WAIT: Duration = Duration::from_secs(180);
/// How long a connection to the heartbeat port may stay silent.
pub const HEARTBEAT_READ_WAIT: Duration = Duration::from_secs(5);
/// How long a device may take until it listens.
pub const DEVICE_WAIT: Duration = Duration::from_secs(15);
/// How often a device's socket is looked for.
pub const DEVICE_POLL: Duration = Duration::from_millis(10);
/// First wait before an enclave that ended is started again.
pub const RESTART_WAIT_MIN: Duration = Duration::from_secs(1);
/// Longest wait before an enclave that ended is started again.
pub const RESTART_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a run has to last for the next wait to be the first one again.
pub const STEADY_UPTIME: Duration = Duration::from_secs(60);
/// So many ends within [`CRASH_LOOP_WINDOW`] are called a crash loop.
pub const CRASH_LOOP_ENDS: usize = 5;
/// See [`CRASH_LOOP_ENDS`].
pub const CRASH_LOOP_WINDOW: Duration = Duration::from_secs(600);
/// How long a process has to end when asked to, before it is killed.
pub const END_WAIT: Duration = Duration::from_secs(5);
/// How long `stop` waits for the supervisor before it is killed.
pub const STOP_WAIT: Duration = Duration::from_secs(30);
/// How often `stop` looks whether the supervisor has gone, and `console` for new text.
pub const LOOK_POLL: Duration = Duration::from_millis(100);
/// How often nitro-cli is asked whether the enclave is there.
pub const NITRO_POLL: Duration = Duration::from_secs(2);
/// How long nitro-cli may take to answer; it copies the image into the enclave's memory.
pub const NITRO_WAIT: Duration = Duration::from_secs(300);
/// How long nitro-cli may take to describe enclaves.
pub const NITRO_DESCRIBE_WAIT: Duration = Duration::from_secs(30);
/// How long neither nitro-cli nor the enclave may tell of it before it counts as lost.
pub const NITRO_SILENCE_WAIT: Duration = Duration::from_secs(180);
/// How often a running enclave is asked for a sign of life.
pub const HEALTH_POLL: Duration = Duration::from_secs(15);
/// How long it may leave all such questions unanswered before it counts as hung.
pub const HUNG_WAIT: Duration = Duration::from_secs(120);
/// How long it may run without keys, unless the command line says otherwise.
pub const BOOT_WAIT: Duration = Duration::from_secs(600);
/// How long the enclave may take to tell of itself.
pub const HEALTH_WAIT: Duration = Duration::from_secs(5);
/// Lines of a program's own words that an error repeats.
pub const LAST_WORDS_LINES: usize = 5;
/// Part of a log's end in which those are looked for, in bytes.
pub const LAST_WORDS_BYTES_MAX: u64 = 4096;
