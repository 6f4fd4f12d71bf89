//! A parent in a few lines: speaks the wire protocol over any stream, blocking, one at a time.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use wire::{Command, Report};

/// One end of the command link.
pub struct Link {
    stream: UnixStream,
}

impl Link {
    /// A link to an enclave that runs in this process.
    pub fn to(enclave: &Arc<enclave::Enclave>, workers: usize) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let writer = theirs.try_clone().expect("socket");
        let handle = theirs.try_clone().expect("socket");
        let close = move || drop(handle.shutdown(std::net::Shutdown::Both));
        let enclave = enclave.clone();
        std::thread::spawn(move || {
            enclave::serve_connection(&enclave, theirs, writer, close, workers);
        });
        ours.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Self { stream: ours }
    }

    /// A link over a connection that exists.
    pub fn over(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Self { stream }
    }

    /// Sends a command.
    pub fn send(&mut self, command: &Command) {
        let frame = wire::frame(&command.to_bytes()).expect("small frame");
        self.stream.write_all(&frame).expect("the enclave reads");
    }

    /// Sends raw bytes.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        // The other end may have hung up already, which is what some tests want.
        let _ = self.stream.write_all(bytes);
    }

    /// The next report, or `None` when the enclave hung up.
    pub fn report(&mut self) -> Option<Report> {
        let mut head = [0; wire::LENGTH_BYTES];
        self.stream.read_exact(&mut head).ok()?;
        let mut body = vec![0; wire::body_length(head).expect("sound length")];
        self.stream.read_exact(&mut body).ok()?;
        Some(Report::parse(&body).expect("sound report"))
    }

    /// Sends a command and takes the next report.
    pub fn ask(&mut self, command: &Command) -> Report {
        self.send(command);
        self.report().expect("an answer")
    }
}
