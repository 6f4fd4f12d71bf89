//! The payload's bytes (POLICY.md §2): deterministic CBOR, one encoding for one content. Parsing
//! allocates nothing from a declared length and must never accept what writing would not give.

use crate::content::{
    Anchor, Content, Freshness, Kind, NamedDer, Release, RetiredSigner, RevokedCertificate,
    RevokedRelease, RevokedSigner, Signers, Witnesses,
};
use crate::{
    AGE_MS_MAX, AWS_NITRO_G1, BOOT_CONFIGS_MAX, ENDED_SIGNERS_MAX, ISSUER_BYTES_MAX,
    NAME_BYTES_MAX, PolicyError, REASON_BYTES_MAX, REGIONS_MAX, RELEASES_MAX,
    REVOKED_CERTIFICATES_MAX, ROOT_BYTES_MAX, ROOTS_MAX, SERIAL_BYTES_MAX, SIGNERS_MAX,
    SKEW_MS_MAX, WITNESS_BYTES_MAX, WITNESSES_MAX,
};
use cbor::{CborError, Reader, Writer};
use crypto::VerifyingKey;
use facts::Millis;
use std::collections::BTreeMap;

mod tpm;

/// Version of the format: the lowest one that has a place for everything in key 16. One content
/// has one encoding, and what needs nothing new keeps its bytes.
const FORMAT: u64 = 1;
const FORMAT_TPM: u64 = 2;
const FORMAT_WORKERS: u64 = 3;
/// Keys of the map.
const KEYS: usize = 20;
/// Most registers of one list.
const PCRS_MAX: usize = 32;
/// Largest register value, in bytes.
const PCR_BYTES_MAX: usize = 48;
/// Largest boot configuration, in bytes.
const BOOT_CONFIG_BYTES_MAX: usize = 4_096;
/// Most required checks: all of them.
const REQUIRED_MAX: usize = 98;

impl Content {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(4_096);
        let format = match (self.tpm.needs_format_3(), self.tpm.needs_format_2()) {
            (true, _) => FORMAT_WORKERS,
            (false, true) => FORMAT_TPM,
            (false, false) => FORMAT,
        };
        w.map(KEYS).uint(1).uint(format).uint(2).text(&self.name).uint(3).uint(self.version);
        w.uint(4).uint(self.issued_at.0).uint(5).uint(self.expires_at.0);
        w.uint(6).array(2).array(self.signers.keys.len());
        for key in &self.signers.keys {
            w.bytes(&key.to_bytes());
        }
        w.uint(self.signers.threshold as u64);
        texts(w.uint(7), self.kinds.iter().map(|kind| kind.name()));
        w.uint(8).array(self.anchors.len());
        for anchor in &self.anchors {
            match anchor {
                Anchor::AwsNitroG1 => w.array(2).text(AWS_NITRO_G1).null(),
                Anchor::Der(named) => w.array(2).text(&named.name).bytes(&named.der),
            };
        }
        self.write_releases(&mut w);
        registers(w.uint(11), self.required_pcrs.iter().map(|(index, value)| (*index, &value[..])));
        w.uint(12).array(self.boot_configs.len());
        for config in &self.boot_configs {
            w.bytes(config);
        }
        w.uint(13).array(self.revoked_certificates.len());
        for RevokedCertificate { issuer, serial } in &self.revoked_certificates {
            w.array(2).bytes(issuer).bytes(serial);
        }
        self.write_signers(&mut w);
        tpm::write(&mut w, &self.tpm, format);
        w.uint(17).array(2);
        texts(&mut w, self.witnesses.keys.iter().map(String::as_str));
        w.uint(self.witnesses.threshold as u64);
        let Freshness { age_ms_max, lag_ms_max, skew_ms } = self.freshness;
        w.uint(18).array(3).uint(age_ms_max).uint(lag_ms_max).uint(skew_ms);
        match &self.regions {
            None => {
                w.uint(19).null();
            }
            Some(regions) => texts(w.uint(19), regions.iter().map(String::as_str)),
        }
        texts(w.uint(20), self.required_checks.iter().map(String::as_str));
        w.finish()
    }

    fn write_releases(&self, w: &mut Writer) {
        w.uint(9).array(self.releases.len());
        for release in &self.releases {
            w.array(5).text(&release.name).text(release.kind.name());
            registers(w, release.pcrs.iter().map(|(index, value)| (*index, &value[..])));
            w.uint(release.from.0);
            match release.to {
                None => w.null(),
                Some(to) => w.uint(to.0),
            };
        }
        w.uint(10).array(self.revoked_releases.len());
        for RevokedRelease { name, reason } in &self.revoked_releases {
            w.array(2).text(name).text(reason);
        }
    }

    fn write_signers(&self, w: &mut Writer) {
        w.uint(14).array(self.revoked_signers.len());
        for RevokedSigner { key, reason } in &self.revoked_signers {
            w.array(2).bytes(&key.to_bytes()).text(reason);
        }
        w.uint(15).array(self.retired_signers.len());
        for RetiredSigner { key, from, reason } in &self.retired_signers {
            w.array(3).bytes(&key.to_bytes()).uint(from.0).text(reason);
        }
    }

    /// Parses a payload (checks Y2 and Y3). Nobody has been asked whether it is signed.
    pub fn parse_unverified(payload: &[u8]) -> Result<Self, PolicyError> {
        let content = read(payload).map_err(PolicyError::Malformed)?;
        if content.to_bytes() != payload {
            return Err(PolicyError::NotCanonical { bytes: payload.len() });
        }
        content.check()?;
        Ok(content)
    }
}

fn texts<'t>(w: &mut Writer, texts: impl ExactSizeIterator<Item = &'t str>) {
    w.array(texts.len());
    texts.for_each(|text| {
        w.text(text);
    });
}

fn registers<'p>(w: &mut Writer, pcrs: impl ExactSizeIterator<Item = (u8, &'p [u8])>) {
    w.array(pcrs.len());
    pcrs.for_each(|(index, value)| {
        w.array(2).uint(index.into()).bytes(value);
    });
}

fn read(payload: &[u8]) -> Result<Content, CborError> {
    let r = &mut Reader::new(payload);
    r.map_of("policy", KEYS as u64)?;
    r.key(1)?;
    let (at, format) = (r.position(), r.uint()?);
    if ![FORMAT, FORMAT_TPM, FORMAT_WORKERS].contains(&format) {
        return Err(CborError::Range { at, what: "format", expected: "1 to 3", found: format });
    }
    let name = keyed(r, 2, name_text)?;
    let version = keyed(r, 3, |r| r.uint())?;
    let issued_at = keyed(r, 4, millis)?;
    let expires_at = keyed(r, 5, millis)?;
    let signers = keyed(r, 6, signers)?;
    let kinds = keyed(r, 7, |r| r.entries("kinds", Kind::ALL.len(), kind))?;
    let anchors = keyed(r, 8, |r| r.entries("anchors", ROOTS_MAX, anchor))?;
    let releases = keyed(r, 9, |r| r.entries("releases", RELEASES_MAX, release))?;
    let revoked_releases =
        keyed(r, 10, |r| r.entries("revoked releases", RELEASES_MAX, revoked_release))?;
    let required_pcrs = keyed(r, 11, pcrs)?;
    let boot_configs =
        keyed(r, 12, |r| r.entries("boot configurations", BOOT_CONFIGS_MAX, boot_config))?;
    let revoked_certificates = keyed(r, 13, |r| {
        r.entries("revoked certificates", REVOKED_CERTIFICATES_MAX, revoked_certificate)
    })?;
    let revoked_signers =
        keyed(r, 14, |r| r.entries("revoked signers", ENDED_SIGNERS_MAX, revoked_signer))?;
    let retired_signers =
        keyed(r, 15, |r| r.entries("retired signers", ENDED_SIGNERS_MAX, retired_signer))?;
    let tpm = keyed(r, 16, |r| tpm::read(r, format))?;
    let witnesses = keyed(r, 17, witnesses)?;
    let freshness = keyed(r, 18, freshness)?;
    let regions = keyed(r, 19, |r| match r.null()? {
        true => Ok(None),
        false => r.entries("regions", REGIONS_MAX, name_text).map(Some),
    })?;
    let required_checks = keyed(r, 20, |r| r.entries("required checks", REQUIRED_MAX, name_text))?;
    r.end()?;
    Ok(Content {
        name,
        version,
        issued_at,
        expires_at,
        signers,
        kinds,
        anchors,
        releases,
        revoked_releases,
        required_pcrs,
        boot_configs,
        revoked_certificates,
        revoked_signers,
        retired_signers,
        tpm,
        witnesses,
        freshness,
        regions,
        required_checks,
    })
}

fn keyed<'a, T>(
    r: &mut Reader<'a>,
    label: u64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    r.key(label)?;
    read(r)
}

fn name_text(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("name", NAME_BYTES_MAX)?.to_owned())
}

fn reason(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("reason", REASON_BYTES_MAX)?.to_owned())
}

fn millis(r: &mut Reader<'_>) -> Result<Millis, CborError> {
    Ok(Millis(r.uint_max("time", Millis::MAX.0)?))
}

fn key(r: &mut Reader<'_>) -> Result<VerifyingKey, CborError> {
    let at = r.position();
    let bytes = r.array_bytes("key")?;
    let expected = "an acceptable Ed25519 key of this length";
    VerifyingKey::from_bytes(&bytes).map_err(|_| CborError::Range {
        at,
        what: "key",
        expected,
        found: 32,
    })
}

fn kind(r: &mut Reader<'_>) -> Result<Kind, CborError> {
    let at = r.position();
    let text = r.text_max("kind", 16)?;
    Kind::from_name(text).ok_or_else(|| CborError::Key {
        at,
        expected: "nitro, nitrotpm or tpm".into(),
        found: text.into(),
    })
}

fn anchor(r: &mut Reader<'_>) -> Result<Anchor, CborError> {
    let at = r.position();
    r.array_of("anchor", 2)?;
    let name = name_text(r)?;
    match (r.null()?, name == AWS_NITRO_G1) {
        (true, true) => Ok(Anchor::AwsNitroG1),
        (true, false) => {
            let expected = "a certificate of every root but aws-nitro-g1".into();
            Err(CborError::Key { at, expected, found: name })
        }
        (false, _) => {
            let der = r.bytes_max("root", ROOT_BYTES_MAX)?.to_vec();
            Ok(Anchor::Der(NamedDer { name, der }))
        }
    }
}

fn named_der(r: &mut Reader<'_>) -> Result<NamedDer, CborError> {
    r.array_of("root", 2)?;
    Ok(NamedDer { name: name_text(r)?, der: r.bytes_max("root", ROOT_BYTES_MAX)?.to_vec() })
}

/// Registers in ascending order; the order is checked by encoding again.
fn pcr_list<T>(
    r: &mut Reader<'_>,
    mut value: impl FnMut(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<BTreeMap<u8, T>, CborError> {
    let list = r.entries("registers", PCRS_MAX, |r| {
        r.array_of("register", 2)?;
        Ok((r.uint_max("register", 31)? as u8, value(r)?))
    })?;
    Ok(list.into_iter().collect())
}

fn pcrs(r: &mut Reader<'_>) -> Result<BTreeMap<u8, crate::Pcr>, CborError> {
    pcr_list(r, |r| r.array_bytes("register of 48 bytes"))
}

fn release(r: &mut Reader<'_>) -> Result<Release, CborError> {
    r.array_of("release", 5)?;
    let (name, kind, pcrs, from) = (name_text(r)?, kind(r)?, pcrs(r)?, millis(r)?);
    let to = if r.null()? { None } else { Some(millis(r)?) };
    Ok(Release { name, kind, pcrs, from, to })
}

fn signers(r: &mut Reader<'_>) -> Result<Signers, CborError> {
    r.array_of("signers", 2)?;
    let keys = r.entries("signers", SIGNERS_MAX, key)?;
    Ok(Signers { keys, threshold: r.uint_max("threshold", SIGNERS_MAX as u64)? as usize })
}

fn boot_config(r: &mut Reader<'_>) -> Result<Vec<u8>, CborError> {
    Ok(r.bytes_max("boot configuration", BOOT_CONFIG_BYTES_MAX)?.to_vec())
}

fn revoked_release(r: &mut Reader<'_>) -> Result<RevokedRelease, CborError> {
    r.array_of("revoked release", 2)?;
    Ok(RevokedRelease { name: name_text(r)?, reason: reason(r)? })
}

fn revoked_certificate(r: &mut Reader<'_>) -> Result<RevokedCertificate, CborError> {
    r.array_of("revoked certificate", 2)?;
    let issuer = r.bytes_max("issuer", ISSUER_BYTES_MAX)?.to_vec();
    Ok(RevokedCertificate { issuer, serial: r.bytes_max("serial", SERIAL_BYTES_MAX)?.to_vec() })
}

fn revoked_signer(r: &mut Reader<'_>) -> Result<RevokedSigner, CborError> {
    r.array_of("revoked signer", 2)?;
    Ok(RevokedSigner { key: key(r)?, reason: reason(r)? })
}

fn retired_signer(r: &mut Reader<'_>) -> Result<RetiredSigner, CborError> {
    r.array_of("retired signer", 3)?;
    Ok(RetiredSigner { key: key(r)?, from: millis(r)?, reason: reason(r)? })
}

fn witnesses(r: &mut Reader<'_>) -> Result<Witnesses, CborError> {
    r.array_of("witnesses", 2)?;
    let keys = r.entries("witnesses", WITNESSES_MAX, |r| {
        Ok(r.text_max("witness", WITNESS_BYTES_MAX)?.to_owned())
    })?;
    Ok(Witnesses { keys, threshold: r.uint_max("threshold", WITNESSES_MAX as u64)? as usize })
}

fn freshness(r: &mut Reader<'_>) -> Result<Freshness, CborError> {
    r.array_of("freshness", 3)?;
    Ok(Freshness {
        age_ms_max: r.uint_max("age", AGE_MS_MAX)?,
        lag_ms_max: r.uint_max("lag", AGE_MS_MAX)?,
        skew_ms: r.uint_max("skew", SKEW_MS_MAX)?,
    })
}
