//! The byte stream to the enclave: Unix socket, vsock, or QEMU's hybrid vsock. It must never
//! allocate from a length that was not checked.

use crate::config::EnclaveAddress;
use crate::error::Error;
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

/// Connects to the enclave.
pub async fn connect(address: &EnclaveAddress) -> Result<(Source, Sink), Error> {
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
        line.push(stream.read_u8().await?);
    }
    match line.starts_with(b"OK") {
        true => Ok(()),
        false => Err(std::io::Error::other("the vsock bridge refused the port")),
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
