//! The cases, one a line where it fits: name, the check that must refuse, the fault.
//! A case must be wrong in one place only, or it does not say which check refused.

mod chain;
mod fields;
mod nitrotpm;
mod policy;
mod structure;

use super::{Builder, Expected, PolicyData, TimeData};
use crate::certificate::{Extension, oid};
use crate::document::{bytes_item, text_item, uint_item as uint};
use crate::keys::P384_ORDER;
use crate::pki::{Level, TestPki};
use crate::tamper::{CertTamper, Tamper};
use Expected::{Accept, Refuse};
use Level::{Instance, Leaf, Region, Root, Zone};

/// Makes all cases, in the order of the checks.
pub(super) fn all(build: &mut Builder) {
    structure::accepted(build);
    structure::envelope(build);
    structure::headers(build);
    structure::signature(build);
    structure::payload(build);
    fields::fields(build);
    fields::sizes(build);
    fields::chunked(build);
    chain::chain(build);
    chain::certificates(build);
    chain::issuers(build);
    chain::rights(build);
    chain::leaf_rights(build);
    policy::times(build);
    policy::semantics(build);
    policy::bindings(build);
}

/// Makes the cases of NitroTPM documents.
pub(super) fn nitrotpm(build: &mut Builder) {
    nitrotpm::all(build);
}

/// A map of registers, as encoded.
fn registers(entries: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut writer = cbor::Writer::new();
    writer.map(entries.len());
    for (index, value) in entries {
        writer.uint(*index).bytes(value);
    }
    writer.finish()
}

/// PCR0 to PCR2 as the good document has them, then `more`.
fn image_and(more: &[(u64, Vec<u8>)]) -> Tamper {
    let image = (0..3).map(|index| (index, vec![0xa0 + index as u8; 48]));
    let entries: Vec<(u64, Vec<u8>)> = image.chain(more.iter().cloned()).collect();
    Tamper::Field("pcrs", registers(&entries))
}

/// The image's three registers with one replaced, or left out.
fn image_but(index: u64, value: Option<Vec<u8>>) -> Tamper {
    let mut entries: Vec<(u64, Vec<u8>)> =
        (0..3).map(|one| (one, vec![0xa0 + one as u8; 48])).collect();
    entries.retain(|(one, _)| *one != index);
    entries.extend(value.map(|value| (index, value)));
    Tamper::Field("pcrs", registers(&entries))
}

fn certificate(level: Level, fault: CertTamper) -> Vec<Tamper> {
    vec![Tamper::Certificate(level, fault)]
}

/// A leaf that is valid from `start_s` for AWS's usual time.
fn leaf_from(start_s: u64) -> Vec<Tamper> {
    vec![
        Tamper::Certificate(Leaf, CertTamper::NotBefore(start_s)),
        Tamper::Certificate(Leaf, CertTamper::NotAfter(start_s + 3 * 3600 + 3)),
    ]
}
