//! The TPM in trouble: each fault is answered with an error that says what to do, or with a
//! recovery, and nothing is lost.

use crate::swtpm::{Fault, Swtpm};
use crate::{Device, ended};
use std::time::{Duration, Instant};
use tpm_host::Error;
use tpm_host::clock::Watch;
use tpm_host::owner::Notice;
use tpm_host::tpm::{Clock, Tpm};

const QUOTE: u32 = 0x158;
const GET_CAPABILITY: u32 = 0x17a;
const RETRY: u32 = 0x922;
const YIELDED: u32 = 0x908;
const TESTING: u32 = 0x90a;
const LOCKOUT: u32 = 0x921;

#[test]
fn a_busy_tpm_is_asked_again_for_a_bounded_time() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, _ready, mut notices) = device.start().unwrap();
    for response in [RETRY, YIELDED, TESTING] {
        // More often than the TSS itself tries.
        tpm.trouble(Fault::Answer { command: QUOTE, response, times: 12 });
        owner.quote([1; 32]).unwrap();
        tpm.relieve();
    }
    tpm.trouble(Fault::Answer { command: QUOTE, response: RETRY, times: u32::MAX });
    let start = Instant::now();
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(15));
    tpm.relieve();
    owner.quote([1; 32]).unwrap();
    assert!(matches!(notices.try_recv(), Ok(Notice::Alert(_))), "told once");
    assert!(notices.try_recv().is_err());
}

#[test]
fn a_locked_out_tpm_is_named() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, _ready, _notices) = device.start().unwrap();
    tpm.trouble(Fault::Answer { command: QUOTE, response: LOCKOUT, times: 1 });
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::LockedOut { .. }), "{error}");
    assert!(error.to_string().contains("tpm2_dictionarylockout"), "{error}");
    ended(owner);
    // A real lockout, made by wrong passwords: our key has none, and goes on.
    tpm.tool("tpm2_dictionarylockout", &["-s", "-n", "1", "-t", "600", "-l", "600"]);
    let create = ["-C", "o", "-g", "sha256", "-G", "ecc", "-p", "secret", "-c", "key.ctx"];
    tpm.tool("tpm2_createprimary", &create);
    tpm.tool("tpm2_flushcontext", &["-t"]);
    for _ in 0..3 {
        let below = ["-C", "key.ctx", "-P", "wrong", "-G", "ecc", "-u", "x.pub", "-r", "x.prv"];
        assert!(!tpm.try_tool("tpm2_create", &below).status.success());
        tpm.tool("tpm2_flushcontext", &["-t"]);
    }
    let state = tpm.tool("tpm2_getcap", &["properties-variable"]);
    let state = String::from_utf8(state).unwrap();
    let locked = state.lines().find(|line| line.contains("inLockout")).unwrap();
    assert!(locked.trim_end().ends_with('1'), "{locked}");
    let (owner, _ready, _notices) = device.start().unwrap();
    owner.quote([1; 32]).unwrap();
}

#[test]
fn a_tpm_that_is_missing_is_named_and_found_again() {
    let Some(mut tpm) = Swtpm::start() else { return };
    let nowhere = Device { tcti: "device:/no/such/tpm".into(), ..Device::new(&tpm) };
    let error = nowhere.refused();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains("--tcti"), "{error}");
    let device = Device::new(&tpm);
    let (owner, _ready, mut notices) = device.start().unwrap();
    tpm.power_off();
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    // It comes back, and with its power the measurements were lost.
    tpm.power_on();
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Reset { .. }), "{error}");
    assert!(matches!(notices.try_recv(), Ok(Notice::Alert(_))));
    let void = std::iter::from_fn(|| notices.try_recv().ok());
    assert!(void.into_iter().any(|notice| matches!(notice, Notice::Void(Error::Reset { .. }))));
}

#[test]
fn a_reset_in_between_voids_what_was_measured() {
    let Some(mut tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, before, mut notices) = device.start().unwrap();
    owner.quote([1; 32]).unwrap();
    tpm.reset();
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Reset { .. }), "{error}");
    assert!(error.to_string().contains("measures anew"), "{error}");
    assert!(matches!(notices.try_recv(), Ok(Notice::Alert(_))));
    assert!(matches!(notices.try_recv(), Ok(Notice::Void(Error::Reset { .. }))));
    ended(owner);
    let (owner, after, _notices) = device.start().unwrap();
    assert_eq!((after.measured, after.clock.resets), (3, before.clock.resets + 1));
    assert_eq!(after.ak, before.ak, "the key outlives resets");
    owner.quote([1; 32]).unwrap();
}

#[test]
fn a_slow_tpm_is_told_and_does_not_hold_its_callers() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device { quote_wait: Duration::from_millis(700), ..Device::new(&tpm) };
    let (owner, _ready, _notices) = device.start().unwrap();
    tpm.trouble(Fault::Slow { command: QUOTE, by: Duration::from_secs(2) });
    let start = Instant::now();
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Slow { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_millis(1500));
    tpm.relieve();
    std::thread::sleep(Duration::from_secs(2));
    owner.quote([1; 32]).unwrap();
}

#[test]
fn slots_that_others_left_taken_are_emptied() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let fill = || {
        for _ in 0..3 {
            let create = ["-C", "o", "-g", "sha256", "-G", "ecc", "-c", "x.ctx"];
            tpm.try_tool("tpm2_createprimary", &create);
        }
    };
    fill();
    let (owner, _ready, _notices) = device.start().unwrap();
    // While it runs, too.
    fill();
    owner.quote([1; 32]).unwrap();
    ended(owner);
    tpm.trouble(Fault::Answer { command: QUOTE, response: 0x902, times: u32::MAX });
    let error = device.refused();
    assert!(matches!(error, Error::OutOfHandles { .. }), "{error}");
    assert!(error.to_string().contains("tpmrm0"), "{error}");
}

#[test]
fn a_register_that_is_extended_between_quotes_stops_quotes_and_not_the_device() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, _ready, mut notices) = device.start().unwrap();
    owner.quote([1; 32]).unwrap();
    tpm.extend(14, b"another program");
    for _ in 0..3 {
        let error = owner.quote([1; 32]).unwrap_err();
        assert!(matches!(error, Error::Extended { register: 14, .. }), "{error}");
    }
    assert!(matches!(notices.try_recv(), Ok(Notice::Alert(_))));
    assert!(notices.try_recv().is_err(), "the operator is told once");
    assert_eq!(owner.random(8).unwrap().len(), 8);
}

#[test]
fn a_clock_that_went_back_between_starts_is_refused() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, ready, _notices) = device.start().unwrap();
    ended(owner);
    let mut alone = Tpm::open(&tpm.tcti()).unwrap();
    let ahead = Clock { clock_ms: ready.clock.clock_ms + 3_600_000, ..ready.clock };
    Watch::begin(&mut alone, device.folder.path(), &device.selection(), ahead).unwrap();
    drop(alone);
    let error = device.refused();
    assert!(matches!(error, Error::ClockBack { .. }), "{error}");
}

#[test]
fn a_connection_that_breaks_at_the_start_is_told() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    tpm.trouble(Fault::Answer { command: GET_CAPABILITY, response: 0x100, times: u32::MAX });
    let error = device.refused();
    assert!(matches!(error, Error::Reset { .. } | Error::Missing { .. }), "{error}");
}

#[test]
fn a_key_that_was_exchanged_while_the_device_runs_is_noticed() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, _ready, mut notices) = device.start().unwrap();
    owner.quote([1; 32]).unwrap();
    tpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "0x81000001"]);
    let error = owner.quote([1; 32]).unwrap_err();
    assert!(matches!(error, Error::Refused { .. } | Error::Occupied { .. }), "{error}");
    assert!(matches!(notices.try_recv(), Ok(Notice::Alert(_))));
}
