//! Commands that tss-esapi 7.7 has no call for: written here byte by byte and sent over a second
//! connection. Only TPM2_CertifyCreation (Part 3, 18.3). It must never be used for a command that
//! loads an object: nothing here flushes one.

use crate::error::Error;
use crate::limits::{RAW_WAIT, RESPONSE_BYTES_MAX};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;

const HEAD_BYTES: usize = 10;
const TAG_SESSIONS: u16 = 0x8002;
const CERTIFY_CREATION: u32 = 0x0000_014a;
const ALG_NULL: u16 = 0x0010;
const TAG_CREATION: u16 = 0x8021;
/// TPM_RS_PW: a session that is a password (Part 1, 19.4).
const PASSWORD: u32 = 0x4000_0009;

/// What TPM2_CertifyCreation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedCreation {
    /// TPMS_ATTEST.
    pub attest: Vec<u8>,
    /// TPMT_SIGNATURE.
    pub signature: Vec<u8>,
}

/// TPMT_TK_CREATION: the TPM's own word that it made a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The hierarchy's handle.
    pub hierarchy: u32,
    /// Its HMAC.
    pub digest: Vec<u8>,
}

/// The command: the key at `handle`, whose password is `auth`, certifies its own creation.
pub fn certify_creation(
    (handle, auth): (u32, &[u8]),
    creation_hash: &[u8],
    ticket: &Ticket,
) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(handle.to_be_bytes());
    body.extend(handle.to_be_bytes());
    let mut session = PASSWORD.to_be_bytes().to_vec();
    put_sized(&mut session, b"");
    session.push(0);
    put_sized(&mut session, auth);
    body.extend((session.len() as u32).to_be_bytes());
    body.extend(session);
    put_sized(&mut body, b"");
    put_sized(&mut body, creation_hash);
    body.extend(ALG_NULL.to_be_bytes());
    body.extend(TAG_CREATION.to_be_bytes());
    body.extend(ticket.hierarchy.to_be_bytes());
    put_sized(&mut body, &ticket.digest);
    let mut command = TAG_SESSIONS.to_be_bytes().to_vec();
    command.extend(((HEAD_BYTES + body.len()) as u32).to_be_bytes());
    command.extend(CERTIFY_CREATION.to_be_bytes());
    command.extend(body);
    command
}

/// Reads the answer to [`certify_creation`].
pub fn certified_creation(answer: &[u8]) -> Result<CertifiedCreation, Error> {
    let refused =
        |response: String| Error::Refused { what: "TPM2_CertifyCreation".into(), response };
    let short = || refused("its answer is cut short".into());
    let head = answer.get(..HEAD_BYTES).ok_or_else(short)?;
    let code = u32::from_be_bytes([head[6], head[7], head[8], head[9]]);
    if code != 0 {
        return Err(refused(format!("{code:#x}")));
    }
    let size = answer.get(HEAD_BYTES..HEAD_BYTES + 4).ok_or_else(short)?;
    let size = u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize;
    let body = answer.get(HEAD_BYTES + 4..).and_then(|rest| rest.get(..size)).ok_or_else(short)?;
    let length = body.get(..2).ok_or_else(short)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let attest = body.get(2..2 + length).ok_or_else(short)?.to_vec();
    let signature = body.get(2 + length..).ok_or_else(short)?.to_vec();
    Ok(CertifiedCreation { attest, signature })
}

/// Sends a command and takes its answer.
pub(super) fn transact(tcti: &str, command: &[u8]) -> Result<Vec<u8>, Error> {
    let missing = |problem: String| Error::Missing { tcti: tcti.to_owned(), problem };
    let failed = |error: std::io::Error| missing(error.to_string());
    let (kind, rest) = tcti.split_once(':').unwrap_or((tcti, ""));
    match kind {
        "device" => {
            let path = if rest.is_empty() { "/dev/tpm0" } else { rest };
            let mut file = File::options().read(true).write(true).open(path).map_err(failed)?;
            file.write_all(command).map_err(failed)?;
            let mut answer = vec![0; RESPONSE_BYTES_MAX];
            // One read is one answer.
            let length = file.read(&mut answer).map_err(failed)?;
            answer.truncate(length);
            Ok(answer)
        }
        "swtpm" => {
            let (host, port) = address(rest);
            let mut stream = TcpStream::connect((host, port)).map_err(failed)?;
            stream.set_read_timeout(Some(RAW_WAIT)).map_err(failed)?;
            stream.write_all(command).map_err(failed)?;
            let mut answer = vec![0; HEAD_BYTES];
            stream.read_exact(&mut answer).map_err(failed)?;
            let size = u32::from_be_bytes([answer[2], answer[3], answer[4], answer[5]]) as usize;
            if !(HEAD_BYTES..=RESPONSE_BYTES_MAX).contains(&size) {
                return Err(missing(format!("an answer of {size} bytes")));
            }
            answer.resize(size, 0);
            stream.read_exact(&mut answer[HEAD_BYTES..]).map_err(failed)?;
            Ok(answer)
        }
        _ => Err(missing(
            "TPM2_CertifyCreation needs device:PATH or swtpm:host=…,port=… here".into(),
        )),
    }
}

/// Host and port of a `swtpm:` TCTI, with libtss2's defaults.
fn address(text: &str) -> (&str, u16) {
    let (mut host, mut port) = ("localhost", 2321);
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("host", value)) => host = value,
            Some(("port", value)) => port = value.parse().unwrap_or(port),
            _ => {}
        }
    }
    (host, port)
}

/// What is put here is a digest, far below 65,536 bytes.
fn put_sized(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u16).to_be_bytes());
    bytes.extend(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_a_cut_one_is_not() {
        let mut answer = vec![0x80, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        answer.extend([0, 3, 1, 2, 3, 9, 9]);
        let read = certified_creation(&answer).unwrap();
        assert_eq!((read.attest, read.signature), (vec![1, 2, 3], vec![9, 9]));
        for length in 0..answer.len() {
            assert!(certified_creation(&answer[..length]).is_err(), "{length}");
        }
        let refusal = [0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x21];
        assert!(certified_creation(&refusal).unwrap_err().to_string().contains("0x921"));
    }

    #[test]
    fn a_transport_that_cannot_be_used_is_named() {
        let error = transact("tabrmd:bus_type=session", &[]).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }));
        assert_eq!(address("host=127.0.0.1,port=7"), ("127.0.0.1", 7));
        assert_eq!(address(""), ("localhost", 2321));
    }
}
