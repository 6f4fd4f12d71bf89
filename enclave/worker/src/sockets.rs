//! The two sockets that the worker is started with: what it serves, and the quote link. It opens
//! no other, ever.

use crate::{WorkerError, failed};
use nix::sys::socket::{SockType, UnixAddr, getpeername, getsockname, getsockopt, sockopt};
use nix::unistd::close;
use std::fs::DirEntry;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// Standard error, the last of the standard three.
const STANDARD_LAST: RawFd = 2;

/// The sockets, each under a number of its own beside the standard ones.
#[derive(Debug)]
pub struct Sockets {
    /// The command link is accepted here: standard input.
    pub listener: UnixListener,
    /// The process that owns the TPM: standard output. Nothing else may be written there.
    pub quote_link: UnixStream,
}

impl Sockets {
    /// Closes every descriptor but the standard three: what its starter forgot to keep to itself,
    /// which may be the TPM. First thing in the process, before it opens anything.
    pub fn close_others() -> Result<(), WorkerError> {
        let open = std::fs::read_dir("/proc/self/fd").map_err(failed("/proc/self/fd"))?;
        let number = |entry: std::io::Result<DirEntry>| {
            entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok()
        };
        let numbers: Vec<_> = open.filter_map(number).filter(|fd| *fd > STANDARD_LAST).collect();
        for fd in numbers {
            // One of them was the folder's own and is closed already; what is left is seen below.
            let _ = close(fd);
        }
        let left = std::fs::read_dir("/proc/self/fd").map_err(failed("/proc/self/fd"))?.count();
        // The standard three and the folder's own.
        if left > 4 {
            return Err(WorkerError::NotStarted("an inherited descriptor cannot be closed"));
        }
        Ok(())
    }

    /// Takes standard input and output, and refuses anything but a listening and a connected Unix
    /// stream socket. A write to the quote link that waits longer than `timeout` fails.
    pub fn take(timeout: Duration) -> Result<Self, WorkerError> {
        let (input, output) = (std::io::stdin(), std::io::stdout());
        let (input, output) = (input.as_fd(), output.as_fd());
        if !is_unix_stream(input) || getsockopt(&input, sockopt::AcceptConn) != Ok(true) {
            return Err(WorkerError::NotStarted("standard input is no listening Unix socket"));
        }
        if !is_unix_stream(output) || getpeername::<UnixAddr>(output.as_raw_fd()).is_err() {
            return Err(WorkerError::NotStarted("standard output is no connected Unix socket"));
        }
        let own = |socket: BorrowedFd<'_>| socket.try_clone_to_owned();
        let listener = UnixListener::from(own(input).map_err(failed("standard input"))?);
        let quote_link = UnixStream::from(own(output).map_err(failed("standard output"))?);
        quote_link.set_write_timeout(Some(timeout)).map_err(failed("quote link"))?;
        Ok(Self { listener, quote_link })
    }
}

fn is_unix_stream(socket: BorrowedFd<'_>) -> bool {
    getsockopt(&socket, sockopt::SockType) == Ok(SockType::Stream)
        && getsockname::<UnixAddr>(socket.as_raw_fd()).is_ok()
}
