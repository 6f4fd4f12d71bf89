//! Proofs whose evidence is refused: the checks on documents and quotes hold inside a proof too.

use super::{At, Builder, Demands, demanded};
use crate::corpus::Expected;
use crate::proofs::{Backing, QUOTED_AT_MS};

pub(super) fn cases(build: &mut Builder<'_>) {
    build.refuse("evidence-trailing", "N3", |draft| {
        draft.spec.evidence = Some(|bytes| bytes.push(0));
    });
    build.refuse("evidence-altered", "N32", |draft| {
        draft.spec.evidence = Some(|bytes| {
            let at = bytes.windows(4).position(|w| w == b"-enc").expect("the module's name");
            bytes[at + 8] ^= 1;
        });
    });
    build.refuse("evidence-a-day-old", "N28", |draft| {
        draft.demands.at = At::Live(QUOTED_AT_MS + 86_400_000);
    });
    build.refuse("evidence-old", "N40", |draft| {
        draft.demands.at = At::Live(QUOTED_AT_MS + 300_001);
    });
    let register = |index: u8| {
        move |demands: &mut Demands| {
            demands.pcrs.insert(index, "11".repeat(48));
        }
    };
    build.refuse("other-image", "N34", |draft| register(0)(&mut draft.demands));
    let foreign = crate::pki::TestPki::from_seed(&[1; 32]);
    let root = build.corpus.material("root", foreign.root_der(), "der");
    build.refuse("root-not-in-policy", "N22", |draft| draft.demands.roots = vec![root]);
    let mut other = build.world.config.clone();
    other.threshold = 1;
    let laxer = build.corpus.material("boot-config", &other.to_bytes(), "cbor");
    build.refuse("other-boot-configuration", "N35", |draft| {
        demanded(draft).boot_config = laxer.clone();
    });
    let mut refuse = |name, check, backing, change: &dyn Fn(&mut super::Draft)| {
        let mut draft = build.draft(backing);
        change(&mut draft);
        build.add(name, Expected::Refuse(check), draft);
    };
    refuse("enclave-for-nitrotpm", "N33", Backing::NitroTpm, &|draft| {
        // The label says what the policy accepts; the document is an enclave's.
        draft.spec.backing = Backing::Nitro;
    });
    refuse("tpm-other-nonce", "T17", Backing::Tpm, &|draft| {
        draft.spec.evidence = Some(|bytes| {
            // Key 8, the nonce, is null; key 9, the certificates, ends the map.
            let at = bytes.len() - 3;
            drop(bytes.splice(at..at + 1, [0x41, 0x00]));
        });
        draft.demands.nonce = super::NonceDemand::Any;
    });
    refuse("tpm-key-not-trusted", "T8", Backing::Tpm, &|draft| {
        let tpm = draft.demands.tpm.as_mut().expect("a TPM's demands");
        tpm.ak_names = vec![format!("000b{}", "22".repeat(32))];
    });
    refuse("tpm-log-missing", "T25", Backing::Tpm, &|draft| draft.event_log = None);
    refuse("tpm-other-boot-configuration", "T24", Backing::Tpm, &|draft| {
        demanded(draft).boot_config = laxer.clone();
    });
    refuse("nitrotpm-other-boot-configuration", "N34", Backing::NitroTpm, &|draft| {
        demanded(draft).boot_config = laxer.clone();
    });
    refuse("tpm-register-other", "T24", Backing::Tpm, &|draft| {
        draft.demands.pcrs.insert(4, "33".repeat(32));
    });
}
