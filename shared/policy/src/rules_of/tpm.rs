//! The rules of key 16: what may be demanded of a TPM.

use super::{Checked, ascending, measured, refuse, root, text};
use crate::content::{Content, Kind, Release};
use crate::{AK_NAMES_MAX, FIRMWARE_VERSIONS_MAX, NAME_BYTES_MAX, ROOTS_MAX, WORKERS_MAX};

/// Registers of a TPM that any program may reset and extend to what it likes.
const RESETTABLE: [u8; 2] = [16, 23];

/// The register that a kernel measures files into.
const KERNEL_PCR: u8 = 10;

impl Content {
    pub(super) fn check_tpm(&self) -> Checked {
        let tpm = &self.tpm;
        self.check_boot_pcr()?;
        if !self.kinds.contains(&Kind::Tpm) {
            let nothing = crate::Tpm { boot_pcr: tpm.boot_pcr, ..crate::Tpm::default() };
            return match *tpm == nothing {
                true => Ok(()),
                false => refuse("tpm", "nothing where tpm is not accepted", "demands"),
            };
        }
        ascending("tpm AK names", tpm.ak_names.iter(), AK_NAMES_MAX)?;
        tpm.ak_names.iter().try_for_each(|name| tpm_name("tpm AK name", name))?;
        for (field, roots) in [("tpm AK root", &tpm.ak_roots), ("tpm EK root", &tpm.ek_roots)] {
            ascending(field, roots.iter().map(|one| &one.name), ROOTS_MAX)?;
            roots.iter().try_for_each(|one| root(field, one))?;
        }
        if tpm.ak_names.is_empty() && tpm.ak_roots.is_empty() {
            return refuse("tpm", "AK names or AK roots: evidence cannot name its own key", "none");
        }
        let Some(first) = tpm.pcrs.values().next() else {
            return refuse("tpm PCRs", "at least one reference value", "none");
        };
        for (index, value) in &tpm.pcrs {
            let field = format!("tpm PCR{index}");
            let known = *index <= 22 && !RESETTABLE.contains(index);
            if !known || ![32, 48].contains(&value.len()) || value.len() != first.len() {
                let expected = "PCR0 to PCR22 without 16, all of 32 or all of 48 bytes";
                return refuse(field, expected, format!("{} bytes", value.len()));
            }
            measured(&field, value)?;
        }
        self.check_tpm_more()?;
        self.check_workers()
    }

    /// What format 3 added.
    fn check_workers(&self) -> Checked {
        let tpm = &self.tpm;
        if let Some(hash) = &tpm.file_list {
            measured("tpm file list", hash)?;
            let workers = tpm.workers.as_ref().map(|workers| workers.register);
            if tpm.boot_pcr == Some(KERNEL_PCR) || workers == Some(KERNEL_PCR) {
                let (field, expected) = ("tpm file list", "PCR10 for the kernel alone");
                return refuse(field, expected, "another use of it");
            }
        }
        let Some(workers) = &tpm.workers else { return Ok(()) };
        let (field, found) = ("tpm workers", format!("PCR{}", workers.register));
        if !(8..=15).contains(&workers.register) {
            return refuse(field, "PCR8 to PCR15", found);
        }
        if tpm.pcrs.contains_key(&workers.register) {
            return refuse(field, "a register without a reference value", found);
        }
        if let Some(boot_pcr) = tpm.boot_pcr {
            let expected = "no tpm boot PCR: the runtime log names the boot configuration";
            return refuse(field, expected, format!("PCR{boot_pcr}"));
        }
        if workers.releases.is_empty() {
            return refuse(field, "at least one release", "none");
        }
        ascending(field, workers.releases.iter().map(|one| &one.name), WORKERS_MAX)?;
        for (place, release) in workers.releases.iter().enumerate() {
            let field = format!("tpm worker {:?}", release.name);
            text(&field, &release.name, NAME_BYTES_MAX)?;
            measured(&field, &release.sha256)?;
            // Two names for one program would leave open whose window counts.
            let same = |other: &&crate::WorkerRelease| other.sha256 == release.sha256;
            if let Some(other) = workers.releases[..place].iter().find(same) {
                return refuse(field, "a program of its own", format!("that of {:?}", other.name));
            }
            if let Some(to) = release.to
                && to <= release.from
            {
                let expected = format!("a window that ends after {}", release.from);
                return refuse(field, expected, to.to_string());
            }
        }
        Ok(())
    }

    /// What format 2 added.
    fn check_tpm_more(&self) -> Checked {
        let tpm = &self.tpm;
        if let Some(versions) = &tpm.firmware {
            ascending("tpm firmware", versions.iter(), FIRMWARE_VERSIONS_MAX)?;
            if versions.is_empty() {
                return refuse("tpm firmware", "at least one version, or no list", "an empty list");
            }
        }
        ascending("tpm dedicated roots", tpm.dedicated_roots.iter(), ROOTS_MAX)?;
        for name in &tpm.dedicated_roots {
            if !tpm.ak_roots.iter().any(|root| root.name == *name) {
                return refuse("tpm dedicated root", "the name of an AK root", name.as_str());
            }
        }
        ascending("tpm keys", tpm.keys.iter().map(|key| &key.name), AK_NAMES_MAX)?;
        for key in &tpm.keys {
            let field = format!("tpm key {}", crypto::to_hex(&key.name));
            // Only a pinned name binds a key: of others nothing could be remembered.
            if !tpm.ak_names.contains(&key.name) {
                return refuse(field, "one of the AK names", "another");
            }
            match (&key.qualified_name, key.clock) {
                (None, None) => return refuse(field, "a qualified name or a clock", "neither"),
                (Some(name), _) => tpm_name("tpm qualified name", name)?,
                (None, Some(_)) => {}
            }
        }
        Ok(())
    }

    fn check_boot_pcr(&self) -> Checked {
        let Some(index) = self.tpm.boot_pcr else { return Ok(()) };
        let field = "tpm boot PCR";
        let found = format!("PCR{index}");
        // Firmware writes 0 to 7, 17 to 22 need a dynamic launch, any program may reset the rest.
        if !(8..=15).contains(&index) {
            return refuse(field, "PCR8 to PCR15", found);
        }
        if self.kinds == [Kind::Nitro] {
            return refuse(field, "none where only enclaves are accepted", found);
        }
        let named =
            |release: &Release| release.kind == Kind::NitroTpm && release.pcrs.contains_key(&index);
        match self.tpm.pcrs.contains_key(&index) || self.releases.iter().any(named) {
            true => refuse(field, "a register without a reference value", found),
            false => Ok(()),
        }
    }
}

/// nameAlg (SHA-256 000b, SHA-384 000c) and the digest.
fn tpm_name(field: &str, name: &[u8]) -> Checked {
    match (name, name.len()) {
        ([0, 0x0b, ..], 34) | ([0, 0x0c, ..], 50) => Ok(()),
        _ => refuse(field, "000b and 32 bytes, or 000c and 48 bytes", crypto::to_hex(name)),
    }
}
