//! The byte stream to the enclave: Unix socket, vsock, or QEMU's hybrid vsock. It must never
//! allocate from a length that was not checked.

use crate::config::EnclaveAddress;
use crate::error::Error;
use crate::limits::LINK_CONNECT_TIMEOUT;
use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_vsock::{VsockAddr, VsockStream};
use wire::LENGTH_BYTES;

/// Longest greeting of a hybrid vsock, in bytes.
const GREETING_BYTES_MAX: usize = 64;

/// The receiving half.
pub type Source = Box<dyn AsyncRead + Send + Unpin>;
/// The sending half.
pub type Sink = Box<dyn AsyncWrite + Send + Unpin>;

/// Connects to the enclave. A bridge that takes the connection and then says nothing, because its
/// machine is still booting or hangs, counts as no connection.
pub async fn connect(address: &EnclaveAddress) -> Result<(Source, Sink), Error> {
    let late = || Error::Socket {
        what: format!("connecting to {address}"),
        source: std::io::ErrorKind::TimedOut.into(),
    };
    let connected = tokio::time::timeout(LINK_CONNECT_TIMEOUT, open(address)).await;
    connected.map_err(|_| late())?
}

async fn open(address: &EnclaveAddress) -> Result<(Source, Sink), Error> {
    match address {
        EnclaveAddress::Unix(path) => {
            let failed = Error::socket(format!("connecting to {}", path.display()));
            let (source, sink) = UnixStream::connect(path).await.map_err(failed)?.into_split();
            Ok((Box::new(source), Box::new(sink)))
        }
        EnclaveAddress::Vsock { cid, port } => {
            let failed = Error::socket(format!("connecting to vsock {cid}:{port}"));
            let stream = VsockStream::connect(VsockAddr::new(*cid, *port)).await.map_err(failed)?;
            let (source, sink) = stream.into_split();
            Ok((Box::new(source), Box::new(sink)))
        }
        EnclaveAddress::Hybrid { path, port } => {
            let failed = Error::socket(format!("connecting to {}", path.display()));
            let mut stream = UnixStream::connect(path).await.map_err(failed)?;
            let failed = Error::socket(format!("port {port} of {}", path.display()));
            greet(&mut stream, *port).await.map_err(failed)?;
            let (source, sink) = stream.into_split();
            Ok((Box::new(source), Box::new(sink)))
        }
    }
}

/// `CONNECT port`, answered by one line that starts with OK.
async fn greet(stream: &mut UnixStream, port: u32) -> std::io::Result<()> {
    stream.write_all(format!("CONNECT {port}\n").as_bytes()).await?;
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < GREETING_BYTES_MAX {
        match stream.read_u8().await {
            Ok(byte) => line.push(byte),
            // A reset when the bridge closes before it has read the greeting.
            Err(error) if [UnexpectedEof, ConnectionReset].contains(&error.kind()) => {
                let problem = "the vsock bridge hung up: nobody listens there in the enclave (yet)";
                return Err(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, problem));
            }
            Err(error) => return Err(error),
        }
    }
    match line.starts_with(b"OK ") && line.ends_with(b"\n") {
        true => Ok(()),
        false => Err(std::io::Error::other("expected OK from the vsock bridge, found other words")),
    }
}

/// Reads one frame body.
pub async fn read_frame<S: AsyncRead + Unpin>(source: &mut S) -> Result<Vec<u8>, Error> {
    let mut head = [0; LENGTH_BYTES];
    source.read_exact(&mut head).await.map_err(Error::socket("link"))?;
    let mut body = vec![0; wire::body_length(head)?];
    source.read_exact(&mut body).await.map_err(Error::socket("link"))?;
    Ok(body)
}

/// Writes one frame body with its head; does not flush.
pub async fn write_frame<S: AsyncWrite + Unpin>(sink: &mut S, body: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= wire::FRAME_BYTES_MAX);
    let length = length.ok_or(wire::WireError::TooLarge { found: body.len() as u64 })?;
    sink.write_all(&length.to_be_bytes()).await.map_err(Error::socket("link"))?;
    sink.write_all(body).await.map_err(Error::socket("link"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::path::Path;
    use std::time::{Duration, Instant};
    use tokio::net::UnixListener;

    async fn refusal(address: &EnclaveAddress) -> (ErrorKind, String, Duration) {
        let start = Instant::now();
        match connect(address).await {
            Err(Error::Socket { what, source }) => {
                (source.kind(), format!("{what}: {source}"), start.elapsed())
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("connected"),
        }
    }

    fn hybrid(path: &Path) -> EnclaveAddress {
        EnclaveAddress::Hybrid { path: path.to_owned(), port: 5000 }
    }

    #[tokio::test]
    async fn a_bridge_that_is_not_there_or_refuses_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vsock");
        assert_eq!(refusal(&hybrid(&path)).await.0, ErrorKind::NotFound);
        // Left over from a machine that was killed: nobody listens.
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(refusal(&hybrid(&path)).await.0, ErrorKind::ConnectionRefused);
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let answer = |text: &'static [u8]| async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut line = [0; 13];
            stream.read_exact(&mut line).await.unwrap();
            stream.write_all(text).await.unwrap();
        };
        let address = hybrid(&path);
        for (text, kind, words) in [
            (&b""[..], ErrorKind::ConnectionRefused, "nobody listens there"),
            (b"OK 1", ErrorKind::ConnectionRefused, "nobody listens there"),
            (b"NO 5000\n", ErrorKind::Other, "expected OK"),
            (b"OKAY\n", ErrorKind::Other, "expected OK"),
            (&[b'O'; 80], ErrorKind::Other, "expected OK"),
        ] {
            let ((found, told, time), ()) = tokio::join!(refusal(&address), answer(text));
            assert_eq!(found, kind, "{told}");
            assert!(told.contains(words), "{told}");
            assert!(time < LINK_CONNECT_TIMEOUT, "{time:?}");
        }
        let ((), connected) = tokio::join!(answer(b"OK 1073741824\n"), connect(&address));
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn a_bridge_that_says_nothing_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vsock");
        // It takes connections in its queue and never looks at them.
        let _listener = UnixListener::bind(&path).unwrap();
        let (kind, told, time) = refusal(&hybrid(&path)).await;
        assert_eq!(kind, ErrorKind::TimedOut, "{told}");
        assert!(told.contains("hybrid:") && time >= LINK_CONNECT_TIMEOUT, "{told} {time:?}");
    }

    #[tokio::test]
    async fn an_enclave_that_is_not_there_is_told_within_the_limit() {
        // ENODEV without an enclave's device, ECONNRESET or ETIMEDOUT with one: never a hang.
        let (_, told, time) = refusal(&EnclaveAddress::Vsock { cid: 4_000_000, port: 5000 }).await;
        assert!(told.contains("vsock"), "{told}");
        assert!(time < LINK_CONNECT_TIMEOUT * 2, "{time:?}");
    }
}
