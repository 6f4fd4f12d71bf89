//! Log and register: replayed at every start, recovered after a kill, begun anew after a reset, and
//! never continued on what someone else extended.

use crate::swtpm::{Fault, Swtpm};
use crate::{Device, ended};
use attest::cel::UnverifiedRuntimeLog;
use tpm_host::Error;
use tpm_host::tpm::Bank;

const EXTEND: u32 = 0x182;
/// TPM_RC_FAILURE: the command was not carried out.
const FAILURE: u32 = 0x101;

#[test]
fn the_same_start_measures_nothing_and_another_worker_all_three() {
    let Some(mut tpm) = Swtpm::start() else { return };
    let mut device = Device::new(&tpm);
    let (owner, first, _notices) = device.start().unwrap();
    assert_eq!(first.measured, 3);
    ended(owner);
    let (owner, same, _notices) = device.start().unwrap();
    assert_eq!((same.measured, &same.register), (0, &first.register));
    ended(owner);
    device.worker = [8; 32];
    let (owner, other, _notices) = device.start().unwrap();
    assert_eq!(other.measured, 3);
    assert_ne!(other.register, first.register);
    let log = owner.quote([0; 32]).unwrap().runtime_log;
    let log = UnverifiedRuntimeLog::parse(&log).unwrap();
    assert_eq!(log.records().len(), 6);
    for bank in Bank::ALL {
        assert!(log.records()[0].digest(bank.algorithm()).is_some(), "{bank}");
    }
    ended(owner);
    tpm.reset();
    let (owner, anew, _notices) = device.start().unwrap();
    assert_eq!((anew.measured, anew.clock.resets), (3, first.clock.resets + 1));
    let log = owner.quote([0; 32]).unwrap().runtime_log;
    assert_eq!(UnverifiedRuntimeLog::parse(&log).unwrap().records().len(), 3);
}

#[test]
fn a_kill_between_record_and_extension_is_recovered() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    // One event is extended; the second one's record is on disk, and the TPM has not got it.
    let (owner, _ready, _notices) = device.start().unwrap();
    ended(owner);
    let other = Device { worker: [9; 32], folder: device.folder, ..Device::new(&tpm) };
    tpm.trouble(Fault::Answer { command: EXTEND, response: FAILURE, times: 1 });
    assert!(matches!(other.refused(), Error::Refused { .. }));
    let (owner, ready, _notices) = other.start().unwrap();
    assert_eq!(ready.measured, 3, "the start that broke off is followed by a whole one");
    let quoted = owner.quote([0; 32]).unwrap();
    let log = UnverifiedRuntimeLog::parse(&quoted.runtime_log).unwrap();
    assert_eq!(log.records().len(), 7);
    let value = log.replay(Bank::Sha256.algorithm(), &[0; 32]).unwrap();
    assert_eq!(value, quoted.pcrs[&14]);
}

#[test]
fn what_someone_else_extended_is_named() {
    let Some(mut tpm) = Swtpm::start() else { return };
    // Before the first start.
    tpm.extend(14, b"before");
    let device = Device::new(&tpm);
    let error = device.refused();
    assert!(matches!(error, Error::Extended { register: 14, .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("reboot") && told.contains("--register N"), "{told}");
    let (register, handle) = (13, 0x8100_0002);
    let elsewhere = Device { register, handle, registers: vec![7, 13], ..Device::new(&tpm) };
    let (owner, _ready, _notices) = elsewhere.start().unwrap();
    ended(owner);
    // Between two starts.
    tpm.reset();
    let (owner, _ready, _notices) = device.start().unwrap();
    ended(owner);
    tpm.extend(14, b"between");
    assert!(matches!(device.refused(), Error::Extended { register: 14, .. }));
    tpm.reset();
    device.start().unwrap();
}

#[test]
fn a_full_log_wants_a_reboot() {
    let Some(tpm) = Swtpm::start() else { return };
    let mut device = Device::new(&tpm);
    for worker in 0..40 {
        device.worker = [worker; 32];
        match device.start() {
            Ok((owner, ..)) => ended(owner),
            Err(error) => {
                assert!(matches!(error, Error::LogFull { .. }), "{error}");
                assert!(error.to_string().contains("reboot"));
                // What was measured before still starts.
                device.worker = [worker - 1; 32];
                device.start().unwrap();
                return;
            }
        }
    }
    panic!("the log never fills up");
}
