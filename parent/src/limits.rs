//! Every limit of the host in one place, unit last. Nothing that a peer sends may size a queue,
//! a buffer or a wait that is not named here.

use std::time::Duration;

/// Most requests in flight to the enclave, unless the command line says otherwise.
pub const IN_FLIGHT_MAX: usize = 4096;
/// Most items of one batch in flight at once, so that one batch leaves room for other callers.
pub const BATCH_IN_FLIGHT_MAX: usize = 1024;
/// Most batches at once.
pub const BATCHES_MAX: usize = 8;
/// Most items of one batch.
pub const BATCH_ITEMS_MAX: usize = 10_000;
/// Largest batch body, in bytes.
pub const BATCH_BYTES_MAX: usize = 64 << 20;
/// Memory for request bodies that are being read or waited for, in KiB.
pub const BODIES_KIB_MAX: usize = 1 << 20;
/// Largest single request body, in bytes.
pub const BODY_BYTES_MAX: usize = wire::BODY_BYTES_MAX;
/// Largest sealed request, in bytes.
pub const SEALED_BYTES_MAX: usize = wire::SEALED_BYTES_MAX;
/// Part of an answer stream that is written at once, in bytes.
pub const STREAM_CHUNK_BYTES: usize = 32 << 10;
/// Parts of an answer stream that wait for a slow reader.
pub const STREAM_CHUNKS_MAX: usize = 4;
/// Entries of a log that are read from the store at once.
pub const EXPORT_ENTRIES: u64 = 256;
/// Most client connections, unless the command line says otherwise. What an idle one costs is
/// bounded, whatever its client does, at less than 256 KiB: hyper's buffers of at most
/// `HEAD_BYTES_MAX` each, and rustls' of at most 64 KiB a direction, which shrink when they are
/// empty. Measured: 80 KiB after a handshake and one answer, 130 KiB after a body of 1 MiB, the
/// client's end included. Bodies are paid for from `BODIES_KIB_MAX`, which all share;
/// `HEAD_TIMEOUT` ends a connection that stays idle.
pub const CONNECTIONS_MAX: u32 = 8192;
/// Rule bundles that were in force and are kept for the texts of their answers.
pub const RULEBOOKS_MAX: usize = 4;
/// Reports of the enclave that wait for the journal.
pub const JOURNAL_QUEUE_MAX: usize = 8192;
/// Entries that one transaction of the store takes, at least when they are there; in bytes.
pub const GROUP_BYTES_MAX: usize = 8 << 20;
/// Entries without a quote that the journal keeps. The enclave stops far earlier.
pub const UNQUOTED_ENTRIES_MAX: usize = 1 << 20;
/// Buffer of either direction of the link, in bytes.
pub const LINK_BUFFER_BYTES: usize = 256 << 10;
/// Page cache of the store, in bytes.
pub const STORE_CACHE_BYTES: usize = 256 << 20;
/// Longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Shortest and longest nonce of an attestation, in bytes.
pub const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=wire::NONCE_BYTES_MAX;
/// Largest request head, in bytes.
pub const HEAD_BYTES_MAX: usize = 32 << 10;

/// How long a request may wait for its proof, unless the command line says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often the rule files are looked at.
pub const RULES_POLL: Duration = Duration::from_secs(60);
/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request head may take, and how long a connection may idle.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request body may take.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a refused body is read and dropped, in bytes, so that the client reads the refusal.
pub const DISCARD_BYTES_MAX: usize = 16 << 20;
/// How long that may take.
pub const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may leave an answer unread.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the enclave may take to answer a command of the handshake.
pub const LINK_STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the enclave may take to greet: it answers that before anything else, so a connection
/// that stays silent is of no use, and another one may be.
pub const LINK_HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting to the enclave may take, the vsock bridge's greeting included.
pub const LINK_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// First wait before connecting to the enclave again.
pub const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Longest wait before connecting to the enclave again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Wait before a failed transaction is tried again.
pub const STORE_RETRY: Duration = Duration::from_millis(500);
/// How long a stopping server waits for what is in flight.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// What `Retry-After` says, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 1;
