//! The quote link: answers one worker's requests, one at a time, until it hangs up. A worker that
//! breaks the protocol is hung up on. It must never answer a quote from anything but the TPM.

use crate::owner::Owner;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use tpmlink::{LENGTH_BYTES, Reply, Request, body_length, frame};

/// Serves until the worker is gone. `extension` is the boot configuration's that was measured.
pub fn serve(mut stream: UnixStream, owner: &Owner, extension: &[u8; 48]) {
    while let Some(request) = read(&mut stream) {
        let reply = answer(owner, extension, request);
        let sent = frame(&reply.to_bytes()).ok().and_then(|bytes| stream.write_all(&bytes).ok());
        if sent.is_none() {
            return;
        }
    }
}

fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut head = [0; LENGTH_BYTES];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; body_length(head).ok()?];
    stream.read_exact(&mut body).ok()?;
    Request::parse(&body).ok()
}

fn answer(owner: &Owner, measured: &[u8; 48], request: Request) -> Reply {
    let refused = |id: u64, reason: String| Reply::Refused { id, reason };
    match request {
        Request::Quote { id, qualifying } => match owner.quote(qualifying) {
            Ok(quoted) => Reply::Quote { id, quoted },
            Err(error) => refused(id, error.reason()),
        },
        Request::Random { id, bytes } => match owner.random(bytes) {
            Ok(bytes) => Reply::Random { id, bytes },
            Err(error) => refused(id, error.reason()),
        },
        Request::Confirm { id, extension } if extension == *measured => Reply::Confirmed { id },
        Request::Confirm { id, extension } => {
            let (expected, found) = (crypto::to_hex(measured), crypto::to_hex(&extension));
            refused(
                id,
                format!(
                    "another boot configuration was measured: expected SHA-384 {expected}, found \
                     {found}; give the host the same --boot as the device"
                ),
            )
        }
    }
}
