//! The heartbeat: the parent's launcher waits for one byte on vsock port 9000 and sends it back.
//! AWS's launcher gives an enclave up that does not do this.

use crate::InitError;
use std::io::{Read, Write};
use std::time::Duration;
use vsock::VsockStream;

/// vsock port of the parent's launcher.
const HEARTBEAT_PORT: u32 = 9000;
/// The byte that AWS's launcher expects and returns.
const HEARTBEAT: u8 = 0xB7;
/// CID of the parent on EC2.
const PARENT_CID: u32 = 3;
/// CID of the host of a test machine, whose vsock device knows no parent.
const HOST_CID: u32 = 2;
/// Word of the kernel's command line that names another parent; the kernel hands it over as an
/// environment variable. On EC2 the command line is measured.
const PARENT_CID_WORD: &str = "probity_parent_cid";
/// How long the launcher has for its answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Tells the parent's launcher that the command link is open. Does nothing where another init,
/// which has done it, is the first process.
pub fn announce() -> Result<(), InitError> {
    if !crate::state().pid1 {
        return Ok(());
    }
    let cid = parent_cid(std::env::var(PARENT_CID_WORD).ok())?;
    let failed = |error: std::io::Error| InitError::Heartbeat { cid, problem: error.to_string() };
    let mut stream = VsockStream::connect_with_cid_port(cid, HEARTBEAT_PORT).map_err(failed)?;
    stream.set_read_timeout(Some(ANSWER_WAIT)).map_err(failed)?;
    let answer = exchange(&mut stream).map_err(failed)?;
    match answer {
        HEARTBEAT => Ok(()),
        other => {
            let problem = format!("the answer is 0x{other:02x}, expected 0x{HEARTBEAT:02x}");
            Err(InitError::Heartbeat { cid, problem })
        }
    }
}

fn exchange(stream: &mut (impl Read + Write)) -> std::io::Result<u8> {
    stream.write_all(&[HEARTBEAT])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}

fn parent_cid(word: Option<String>) -> Result<u32, InitError> {
    let Some(word) = word else { return Ok(PARENT_CID) };
    match word.parse() {
        Ok(cid @ (PARENT_CID | HOST_CID)) => Ok(cid),
        _ => Err(InitError::ParentCid(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_parent_is_told() {
        assert_eq!(parent_cid(None), Ok(3));
        assert_eq!(parent_cid(Some("2".into())), Ok(2));
        assert_eq!(parent_cid(Some("3".into())), Ok(3));
        for word in ["", "1", "4", "16", "-1", "4294967295", "2 ", "two"] {
            assert_eq!(parent_cid(Some(word.into())), Err(InitError::ParentCid(word.into())));
        }
    }
}
