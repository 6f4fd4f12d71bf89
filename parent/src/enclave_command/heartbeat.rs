//! The enclave's first sign of life: it connects to the parent's port 9000, sends 0xB7 and wants
//! 0xB7 back, as the init of AWS's images does. Here that port is a Unix socket beside the one
//! that QEMU's vsock device serves. Nothing that comes here is believed beyond that byte.

use super::limits::{HEARTBEAT, HEARTBEAT_PORT, HEARTBEAT_READ_WAIT, SOCKET_PATH_BYTES_MAX};
use crate::error::Error;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Listens for one enclave; the socket's file is removed with it.
#[derive(Debug)]
pub struct Heartbeat {
    listener: UnixListener,
    path: PathBuf,
}

/// Where the device looks for the listener of the heartbeat's port.
pub fn path_beside(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(format!("_{HEARTBEAT_PORT}"));
    path.into()
}

/// Refuses a path that is too long for a socket.
pub fn fits(path: &Path) -> Result<(), Error> {
    let length = path.as_os_str().len();
    if length <= SOCKET_PATH_BYTES_MAX {
        return Ok(());
    }
    Err(Error::Runner {
        what: path.display().to_string(),
        problem: format!(
            "expected a socket's path of at most {SOCKET_PATH_BYTES_MAX} bytes, found {length}"
        ),
        remedy: "give a shorter one with --socket or --state",
    })
}

impl Heartbeat {
    /// Listens beside `socket`, in place of whoever did before.
    pub fn listen(socket: &Path) -> Result<Self, Error> {
        let path = path_beside(socket);
        fits(&path)?;
        // Left over when the supervisor before was killed; the folder is locked by us.
        std::fs::remove_file(&path).ok();
        let failed = Error::socket(format!("listening on {}", path.display()));
        Ok(Self { listener: UnixListener::bind(&path).map_err(failed)?, path })
    }

    /// Waits for the sign of life and answers it. Who connects and says something else is dropped.
    pub async fn heard(&self) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // Too many open files, for instance: the caller's deadline ends this.
                tokio::time::sleep(HEARTBEAT_READ_WAIT).await;
                continue;
            };
            if answer(stream).await {
                return;
            }
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

async fn answer(mut stream: UnixStream) -> bool {
    let exchange = async {
        let came = stream.read_u8().await?;
        if came != HEARTBEAT {
            return Ok(false);
        }
        stream.write_u8(HEARTBEAT).await?;
        Ok::<_, std::io::Error>(true)
    };
    matches!(tokio::time::timeout(HEARTBEAT_READ_WAIT, exchange).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_byte_counts_and_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("vsock");
        std::fs::write(path_beside(&socket), b"left over").unwrap();
        let heartbeat = Heartbeat::listen(&socket).unwrap();
        let path = folder.path().join("vsock_9000");
        let play = async {
            let mut wrong = UnixStream::connect(&path).await.unwrap();
            wrong.write_u8(0xb6).await.unwrap();
            assert!(wrong.read_u8().await.is_err(), "hung up");
            drop(UnixStream::connect(&path).await.unwrap());
            let mut right = UnixStream::connect(&path).await.unwrap();
            right.write_u8(HEARTBEAT).await.unwrap();
            assert_eq!(right.read_u8().await.unwrap(), HEARTBEAT);
        };
        tokio::join!(heartbeat.heard(), play);
        drop(heartbeat);
        assert!(!path.exists());
    }

    #[test]
    fn a_long_path_is_refused_with_its_length() {
        let path = PathBuf::from("x".repeat(SOCKET_PATH_BYTES_MAX + 1));
        assert!(fits(&path).unwrap_err().to_string().contains("found 108"));
        assert!(fits(Path::new("x")).is_ok());
    }
}
