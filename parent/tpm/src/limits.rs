//! Every limit of the device in one place, unit last. No wait, file, queue or answer that is not
//! named here may grow.

use std::time::Duration;

/// Where the TPM is, unless the command line says otherwise.
pub const TCTI: &str = "device:/dev/tpmrm0";
/// Registers that a quote covers beside ours, unless the command line says otherwise: firmware, its
/// configuration, option ROMs, secure boot.
pub const SELECTION: [u8; 4] = [0, 1, 2, 7];
/// The register that the device measures into, unless the command line says otherwise.
pub const REGISTER: u8 = 14;
/// Registers that the running system may extend and nobody can reset without the machine.
pub const REGISTER_RANGE: std::ops::RangeInclusive<u8> = 8..=15;
/// Highest register of a TPM of a PC.
pub const REGISTER_MAX: u8 = 23;
/// Where the attestation key is kept, unless the command line says otherwise.
pub const AK_HANDLE: u32 = 0x8100_0001;
/// Handles that the owner may give; those above belong to endorsement keys and the platform.
pub const AK_HANDLE_RANGE: std::ops::RangeInclusive<u32> = 0x8100_0000..=0x8100_ffff;

/// Largest worker binary, in bytes.
pub const WORKER_BYTES_MAX: u64 = 256 << 20;
/// Largest boot configuration, in bytes.
pub const BOOT_BYTES_MAX: u64 = 4096;
/// Largest file of the state's folder that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 256 << 10;
/// Largest firmware log, in bytes.
pub const EVENT_LOG_BYTES_MAX: u64 = 4 << 20;
/// Largest certificate in the TPM's NV memory, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 4096;
/// Most certificates of the endorsement key's chain.
pub const CHAIN_MAX: usize = 8;
/// Largest answer of the TPM, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 4096;
/// Handles that are asked for at once.
pub const HANDLES_MAX: u32 = 64;
/// Longest path of a Unix socket, in bytes (Linux: 108 with the closing zero).
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// First wait before a busy TPM is asked again.
pub const BUSY_PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest wait before a busy TPM is asked again.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_millis(250);
/// How long a TPM may say that it is busy.
pub const BUSY_WAIT: Duration = Duration::from_secs(8);
/// How long a raw command may take.
pub const RAW_WAIT: Duration = Duration::from_secs(30);
/// How often registers are read again when one changed while the quote was made.
pub const QUOTE_TRIES: u32 = 4;
/// How long a quote may take before the worker is told that the TPM is too slow.
pub const QUOTE_WAIT: Duration = Duration::from_secs(20);
/// How long the first command after a start may take: creating keys is slow on real hardware.
pub const START_WAIT: Duration = Duration::from_secs(180);
/// Requests that wait for the TPM.
pub const REQUESTS_MAX: usize = 16;

/// How often the worker is asked for a sign of life.
pub const PROBE_POLL: Duration = Duration::from_millis(500);
/// How long the worker may leave all such questions unanswered, unless the command line says
/// otherwise.
pub const HUNG_WAIT: Duration = Duration::from_secs(10);
/// How long a worker may take until it answers the first one.
pub const START_PROBE_WAIT: Duration = Duration::from_secs(15);
/// First wait before a worker that ended is started again.
pub const RESTART_WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest wait before a worker that ended is started again: it is back within two seconds.
pub const RESTART_WAIT_MAX: Duration = Duration::from_millis(800);
/// How long a run has to last for the next wait to be the first one again.
pub const STEADY_UPTIME: Duration = Duration::from_secs(5);
/// So many ends within [`CRASH_LOOP_WINDOW`] are a crash loop, unless the command line says
/// otherwise.
pub const CRASH_LOOP_ENDS: u32 = 5;
/// See [`CRASH_LOOP_ENDS`].
pub const CRASH_LOOP_WINDOW: Duration = Duration::from_secs(60);
/// How long the worker has to end when asked to, before it is killed.
pub const END_WAIT: Duration = Duration::from_secs(5);
