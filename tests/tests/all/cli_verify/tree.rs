//! What the verifier's binary may link: no network code, no asynchronous runtime, no TLS, nothing
//! that opens a socket; and few crates altogether.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates that reach a network or drive one, and clients of devices.
const FORBIDDEN: [&str; 30] = [
    "async-io",
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "curl-sys",
    "h2",
    "http",
    "hyper",
    "hyper-util",
    "isahc",
    "mio",
    "native-tls",
    "nix",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "surf",
    "tokio",
    "tokio-rustls",
    "tokio-vsock",
    "tower",
    "trust-dns-resolver",
    "tss-esapi",
    "ureq",
    "vsock",
];
/// Words of the standard library that open a socket.
const SOCKETS: [&str; 6] =
    ["std::net", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener"];
/// Our own crates that are linked, and most of the others.
const EXTERNAL_MAX: usize = 110;

fn tree() -> BTreeSet<String> {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.args(["tree", "-p", "verify-cli", "-e", "normal", "--prefix", "none", "--offline"]);
    let output = command.current_dir(tests::root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_verifier_links_nothing_that_reaches_a_network() {
    let linked = tree();
    assert!(linked.contains("attest") && linked.contains("ring"), "{linked:?}");
    let found: Vec<_> = FORBIDDEN.iter().filter(|name| linked.contains(**name)).collect();
    assert!(found.is_empty(), "probity-verify links {found:?}");
    println!("probity-verify: {} packages", linked.len());
    assert!(linked.len() <= EXTERNAL_MAX, "{} packages", linked.len());
}

#[test]
fn the_verifiers_own_code_opens_no_socket() {
    let own = ["verify-cli", "verify", "attest", "policy", "receipt", "ear", "proof", "tlog"];
    let mut read = 0;
    for name in own {
        let mut folders = vec![tests::root().join("shared").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("source");
                let found = SOCKETS.iter().find(|word| text.contains(**word));
                assert_eq!(found, None, "{}", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 50, "{read} files");
}
