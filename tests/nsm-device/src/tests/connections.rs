//! The socket as a machine monitor uses it, and as anything else may.

use super::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

/// Header of a vhost-user message: request, flags (version 1), bytes that follow.
fn message(request: u32, payload: &[u8]) -> Vec<u8> {
    let head = [request, 1, payload.len() as u32].map(u32::to_le_bytes).concat();
    [&head[..], payload].concat()
}

/// Asks for the features: the device is there and serves this connection.
fn features(stream: &mut UnixStream) -> u64 {
    stream.write_all(&message(1, &[])).unwrap();
    let mut answer = [0; 20];
    stream.read_exact(&mut answer).unwrap();
    u64::from_le_bytes(answer[12..].try_into().unwrap())
}

#[test]
fn the_device_outlives_whoever_connects() {
    let folder = std::env::temp_dir().join(format!("nsm-device-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("nsm");
    let (ready, listens) = mpsc::channel();
    let path = socket.clone();
    // It serves until the process ends.
    std::thread::spawn(move || {
        let setup = Setup::new(identity());
        crate::serve(&path, &setup, None, || ready.send(()).unwrap()).unwrap();
    });
    listens.recv_timeout(Duration::from_secs(30)).unwrap();
    let connect = || {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let version_1_and_protocol_features = 1 << 32 | 1 << 30;
    let unknown = message(999, &[0; 8]);
    // SET_VRING_ADDR without memory, SET_VRING_NUM of nothing, a payload that never comes.
    let (address, number) = (message(9, &[0xff; 40]), message(8, &[0; 8]));
    let short = message(2, &[1; 8])[..15].to_vec();
    for hostile in
        [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 512], &unknown, &address, &number, &short]
    {
        let mut stream = connect();
        assert_eq!(features(&mut stream), version_1_and_protocol_features);
        stream.write_all(hostile).unwrap();
    }
    assert_eq!(features(&mut connect()), version_1_and_protocol_features);
    std::fs::remove_dir_all(&folder).unwrap();
}
