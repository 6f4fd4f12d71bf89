//! nitro-cli's answers as AWS documents them (Nitro Enclaves user guide: run-enclave,
//! describe-enclaves, terminate-enclave), told by a stand-in program. Only the reading of answers
//! and exit codes is tested here: nitro-cli itself was not run.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const ID: &str = "i-abc12345def67890a-enc9876abcd543210ef12";
const STARTED: &str = r#"{ "EnclaveName": "my_enclave",
    "EnclaveID": "i-abc12345def67890a-enc9876abcd543210ef12", "ProcessID": 12345,
    "EnclaveCID": 16, "NumberOfCPUs": 2, "CPUIDs": [ 1, 3 ], "MemoryMiB": 1600 }"#;

fn described(state: &str, pcr0: &str) -> String {
    format!(
        r#"[ {{ "EnclaveName": "my_enclave", "EnclaveID": "{ID}", "ProcessID": 12345,
        "EnclaveCID": 16, "NumberOfCPUs": 2, "CPUIDs": [ 1, 3 ], "MemoryMiB": 1600,
        "State": "{state}", "Flags": "NONE", "Measurements": {{ "HashAlgorithm":
        "Sha384 {{ ... }}", "PCR0": "{pcr0}", "PCR1": "b", "PCR2": "c" }} }} ]"#
    )
}

struct StandIn {
    folder: tempfile::TempDir,
}

impl StandIn {
    /// Says the text of the file that has the verb's name, and ends with the code in `VERB.code`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nitro-cli");
        let script = r#"#!/bin/sh
            cd "$(dirname "$0")" && echo "$*" >>calls && echo "words of $1" >&2
            [ -e "$1.code" ] && read -r code <"$1.code" && cat "$1.words" >&2 && rm "$1.code" &&
                exit "$code"
            exec cat "$1""#;
        let draft = folder.path().join("draft");
        fs::write(&draft, script).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
        // By another process: a file that this one has open for writing, were it only in a child
        // that another test is just starting, cannot be run.
        let copied = std::process::Command::new("cp").arg(&draft).arg(&path).status();
        assert!(copied.unwrap().success());
        Self { folder }
    }

    fn says(&self, verb: &str, text: &str) {
        fs::write(self.folder.path().join(verb), text).unwrap();
    }

    fn fails(&self, verb: &str, code: u8, words: &str) {
        fs::write(self.folder.path().join(format!("{verb}.code")), format!("{code}\n")).unwrap();
        fs::write(self.folder.path().join(format!("{verb}.words")), words).unwrap();
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }

    fn nitro(&self) -> Nitro {
        Nitro {
            program: self.folder.path().join("nitro-cli"),
            arguments: vec!["run-enclave".into(), "--enclave-cid".into(), "16".into()],
            cid: 16,
            name: "my_enclave".into(),
            debug: false,
            pcrs: ["a", "b", "c"].map(str::to_owned),
        }
    }
}

#[tokio::test]
async fn an_enclave_is_started_described_and_terminated() {
    let stand_in = StandIn::new();
    stand_in.says("run-enclave", STARTED);
    stand_in.says("describe-enclaves", &described("RUNNING", "a"));
    let enclave = stand_in.nitro().start().await.unwrap();
    assert_eq!(enclave.id, ID);
    let one = enclave.described().await.unwrap().unwrap();
    assert_eq!((one.cid, &*one.state, &*one.flags), (16, "RUNNING", "NONE"));
    let sentence = format!("Successfully terminated enclave {ID}.\n");
    let answer = format!("{sentence}{{ \"EnclaveID\": \"{ID}\", \"Terminated\": true }}");
    stand_in.says("terminate-enclave", &answer);
    enclave.end().await.unwrap();
    assert!(stand_in.calls().ends_with(&format!("terminate-enclave --enclave-id {ID}\n")));
    stand_in.says("describe-enclaves", "[]");
    assert_eq!(enclave.described().await.unwrap(), None);
    let mut enclave = enclave;
    let address = EnclaveAddress::Unix("/no/such/socket".into());
    assert_eq!(enclave.ended(&address).await, "nitro-cli does not list it any more");
    stand_in.says("describe-enclaves", &described("TERMINATING", "a"));
    assert_eq!(enclave.ended(&address).await, "nitro-cli says that it is TERMINATING");
}

#[tokio::test]
async fn other_registers_or_another_cid_end_the_enclave_again() {
    let stand_in = StandIn::new();
    let answer = format!("{{ \"EnclaveID\": \"{ID}\", \"Terminated\": true }}");
    stand_in.says("terminate-enclave", &answer);
    stand_in.says("run-enclave", STARTED);
    stand_in.says("describe-enclaves", &described("RUNNING", "0"));
    let error = stand_in.nitro().start().await.unwrap_err().to_string();
    assert!(error.contains("PCR0: expected a, found 0"), "{error}");
    assert!(stand_in.calls().contains("terminate-enclave"));
    stand_in.says("describe-enclaves", &described("RUNNING", "a").replace("NONE", "DEBUG_MODE"));
    let error = stand_in.nitro().start().await.unwrap_err().to_string();
    assert!(error.contains("flags: expected NONE, found DEBUG_MODE"), "{error}");
    stand_in.says("run-enclave", &STARTED.replace("16", "17"));
    let error = stand_in.nitro().start().await.unwrap_err().to_string();
    assert!(error.contains("CID: expected 16, found 17"), "{error}");
}

#[tokio::test]
async fn failures_repeat_what_nitro_cli_said() {
    let stand_in = StandIn::new();
    stand_in.fails("run-enclave", 39, "[ E39 ] Enclave process connection failure.\u{1b}[2J");
    let error = stand_in.nitro().start().await.unwrap_err().to_string();
    assert!(error.contains("exit code 39") && error.contains("[ E39 ]"), "{error}");
    assert!(!error.contains('\u{1b}'), "{error}");
    for wrong in ["", "Started enclave", "[]", &STARTED.replace("EnclaveID", "EnclaveId")] {
        stand_in.says("run-enclave", wrong);
        let error = stand_in.nitro().start().await.unwrap_err().to_string();
        assert!(error.contains("expected the documented JSON"), "{wrong}: {error}");
    }
    let answer = format!("{{ \"EnclaveID\": \"{ID}\", \"Terminated\": false }}");
    stand_in.says("terminate-enclave", &answer);
    let enclave = NitroEnclave::known(&stand_in.nitro().program, ID);
    assert!(enclave.end().await.is_err());
    let missing = NitroEnclave::known(Path::new("/no/such/nitro-cli"), ID);
    assert!(missing.described().await.unwrap_err().to_string().contains("/no/such/nitro-cli"));
}

#[tokio::test]
async fn an_enclave_that_is_still_being_taken_down_is_waited_for() {
    let stand_in = StandIn::new();
    stand_in.says("run-enclave", STARTED);
    stand_in.says("describe-enclaves", &described("RUNNING", "a"));
    stand_in.fails("run-enclave", 29, "[ E29 ] Ioctl failure.");
    assert_eq!(stand_in.nitro().start().await.unwrap().id, ID);
    assert_eq!(stand_in.calls().matches("run-enclave").count(), 2);
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_found_by_name_and_cid() {
    let stand_in = StandIn::new();
    stand_in.says("describe-enclaves", &described("RUNNING", "a"));
    let answer = format!("{{ \"EnclaveID\": \"{ID}\", \"Terminated\": true }}");
    stand_in.says("terminate-enclave", &answer);
    let program = stand_in.nitro().program;
    assert_eq!(abandon(&program, "my_enclave", 17).await.unwrap(), 0);
    assert_eq!(abandon(&program, "other", 16).await.unwrap(), 0);
    assert_eq!(abandon(&program, "my", 16).await.unwrap(), 0);
    assert!(!stand_in.calls().contains("terminate"));
    assert_eq!(abandon(&program, "my_enclave", 16).await.unwrap(), 1);
    let second = described("RUNNING", "a").replace("my_enclave", "my_enclave_2");
    stand_in.says("describe-enclaves", &second);
    assert_eq!(abandon(&program, "my_enclave", 16).await.unwrap(), 1);
    // The first question fails over a socket that was left; the second is answered.
    stand_in.fails("describe-enclaves", 39, "[ E39 ] Enclave process connection failure.");
    assert_eq!(abandon(&program, "my_enclave", 16).await.unwrap(), 1);
}
