//! What a verifier and a host refuse: another image, a debug enclave. And who may speak on a
//! console.

use super::*;
use serde_json::Value;
use std::path::Path;
use tests::image::{Host, Tools, read, release};
use tests::stack::runtime;

/// The released image with one byte changed in the application's archive: the last digit of the
/// enclave's modification time, which the kernel ignores. It boots as well as the true one.
fn with_one_byte_changed(tools: &Tools, to: &Path) {
    let mut image = read(&tools.eif());
    let archive = &mut image.ramdisks[1];
    assert!(archive.starts_with(b"070701"), "a newc archive");
    // newc: magic of 6, then fields of 8 digits; the sixth is the time.
    let digit = &mut archive[6 + 6 * 8 - 1];
    assert_eq!(*digit, b'0');
    *digit = b'1';
    std::fs::write(to, image.to_bytes().expect("sound")).expect("written");
}

#[test]
fn an_image_with_one_byte_changed_boots_and_is_refused_by_its_registers() {
    let Some(tools) = Tools::find() else { return };
    let mut host = Host::prepare(&tools);
    let other = host.path("other.eif");
    with_one_byte_changed(&tools, &other);
    let (ours, theirs) = (read(&tools.eif()).measurements(), read(&other).measurements());
    assert_ne!(ours.pcr0, theirs.pcr0);
    assert_eq!(ours.pcr1, theirs.pcr1, "kernel and base are the same");
    assert_ne!(ours.pcr2, theirs.pcr2);
    let mut machine = Machine::start(&tools, &other, &[], false);
    machine.alive(BOOT_MAX).expect("it boots");

    // A host under the true policy never forwards.
    host.start(&machine.address(), "policy.cose");
    wait_long("the refusal", || host.log().contains("N34"));
    assert_eq!(host.get("/health/ready").status, 503);
    let health = host.get("/health/ready").json().to_string();
    assert!(health.contains("N34"), "{health}");
    let client = host.client();
    let answer =
        runtime().block_on(async { client.connect().await?.evaluate(cash("never")).await });
    assert_eq!(answer.expect("an answer").status, 503);

    // A host whose policy knows the other image gets proofs; the true policy refuses them. The
    // machine is a new one: this host did not see the boot before, and is not to wait for it.
    drop(machine);
    let mut machine = Machine::start(&tools, &other, &[], false);
    machine.alive(BOOT_MAX).expect("it boots again");
    let hex = |pcr: [u8; 48]| crypto::to_hex(&pcr);
    let theirs = serde_json::json!({ "release": "other", "pcr0": hex(theirs.pcr0),
        "pcr1": hex(theirs.pcr1), "pcr2": hex(theirs.pcr2) });
    std::fs::write(host.path("other.json"), theirs.to_string()).expect("written");
    host.make_policy("other.cose", "other.json");
    host.start(&machine.address(), "other.cose");
    wait_long("the host that trusts it", || host.is_ready());
    let client = host.client();
    let answer =
        runtime().block_on(async { client.connect().await?.evaluate(cash("other")).await });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let proof = host.proof(answer.json()["proof_id"].as_str().expect("an id"));
    std::fs::write(host.path("proof.cbor"), proof).expect("written");
    let output = host.verify(&["proof", "proof.cbor"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(verdict.to_string().contains("N34"), "{verdict}");
}

#[test]
fn a_debug_enclave_speaks_on_its_console_and_is_refused() {
    let Some(tools) = Tools::find() else { return };
    let debug = tools.path("probity-debug.eif");
    let (machine, mut link, _) = up(Machine::start(&tools, &debug, &["--debug-mode"], true));
    boot(&mut link, &World::small());
    let document = quote(&mut link, b"debug");
    for image in [debug, tools.eif()] {
        let demand = policy(release("any", &image), b"debug");
        let refused = attest::verify(&document, &demand, None).expect_err("zeros are refused");
        assert_eq!(refused.check(), "N36", "{refused}");
    }
    assert!(machine.console().contains("Linux version"), "{}", machine.console());
}

/// The debug image is another image also where nobody looks at its console.
#[test]
fn a_debug_image_without_debug_mode_is_another_release() {
    let Some(tools) = Tools::find() else { return };
    let debug = tools.path("probity-debug.eif");
    let (_machine, mut link, _) = up(Machine::start(&tools, &debug, &[], true));
    boot(&mut link, &World::small());
    let document = quote(&mut link, b"debug");
    let demand = policy(release("ours", &tools.eif()), b"debug");
    let refused = attest::verify(&document, &demand, None).expect_err("another release");
    assert_eq!(refused.check(), "N34", "{refused}");
}

#[test]
fn a_release_says_nothing_on_a_console() {
    let Some(tools) = Tools::find() else { return };
    let (machine, mut link, _) = up(Machine::start(&tools, &tools.eif(), &[], true));
    boot(&mut link, &World::small());
    quote(&mut link, b"quiet");
    assert_eq!(machine.console(), "", "from power-on to the first quote");
}
