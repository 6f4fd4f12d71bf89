//! Cases of format 3: workers of hosts with a TPM, and the list of files that their kernels may
//! have measured.

use super::{Builder, Draft};
use crate::corpus::Expected;
use facts::Millis;
use policy::{Content, Kind, Tpm, WorkerRelease, Workers};

pub(super) fn cases(build: &mut Builder<'_>) {
    let good = good(&build.content);
    build.add("good-workers", Expected::Accept, Draft::of(&good));
    let mut said = Draft::of(&good);
    // Format 2 has no place for what this one says.
    said.payload[2] = 2;
    build.add("format-2-with-workers", Expected::Refuse("Y2"), said);
    type Change = fn(&mut Tpm);
    let changes: [(&str, Change); 9] = [
        ("workers-none", |tpm| workers(tpm).releases.clear()),
        ("workers-in-firmwares-register", |tpm| workers(tpm).register = 7),
        ("workers-in-resettable-register", |tpm| workers(tpm).register = 16),
        ("workers-in-register-with-value", |tpm| drop(tpm.pcrs.insert(14, vec![1; 32]))),
        ("workers-beside-boot-register", |tpm| tpm.boot_pcr = Some(12)),
        ("worker-twice", |tpm| {
            let again = WorkerRelease { name: "1.1".into(), ..workers(tpm).releases[0].clone() };
            workers(tpm).releases.push(again);
        }),
        ("worker-zero", |tpm| workers(tpm).releases[0].sha256 = [0; 32]),
        ("worker-window-empty", |tpm| workers(tpm).releases[0].to = Some(Millis(0))),
        ("file-list-zero", |tpm| tpm.file_list = Some([0; 48])),
    ];
    for (name, change) in changes {
        let mut content = good.clone();
        change(&mut content.tpm);
        build.add(name, Expected::Refuse("Y3"), Draft::of(&content));
    }
    let mut enclave = good.clone();
    enclave.kinds = vec![Kind::Nitro];
    enclave.tpm = Tpm { workers: good.tpm.workers.clone(), ..Tpm::default() };
    build.add("workers-where-only-enclaves", Expected::Refuse("Y3"), Draft::of(&enclave));
}

/// The good policy, for hosts with a TPM too.
fn good(content: &Content) -> Content {
    let mut content = content.clone();
    content.kinds.push(Kind::Tpm);
    content.tpm = Tpm {
        ak_names: vec![[&[0, 0x0b][..], &[7; 32]].concat()],
        pcrs: [(4, vec![4; 32])].into(),
        workers: Some(Workers {
            register: 14,
            releases: vec![WorkerRelease {
                name: "1.0".into(),
                sha256: [0x77; 32],
                from: Millis(0),
                to: None,
            }],
        }),
        file_list: Some([0x5a; 48]),
        ..Tpm::default()
    };
    content
}

fn workers(tpm: &mut Tpm) -> &mut Workers {
    tpm.workers.as_mut().expect("workers")
}
