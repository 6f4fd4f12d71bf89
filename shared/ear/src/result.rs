//! The claims-set of draft-ietf-rats-ear-04 §3. Every status is computed from the vector and the
//! checks behind it; none can be set.

use crate::claim::{Tier, Vector};
use crate::{Claim, EarError, Findings, jws};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `eat_profile` of the draft's version 04.
pub const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";
/// Who makes this verifier.
const DEVELOPER: &str = "https://probity.example";
/// Bounds of a nonce, in bytes (RFC 9711 §4.1).
const NONCE_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// The appraisal of one attester. Made by `appraise` and `contraindicate` only.
#[derive(Debug, Clone, PartialEq)]
pub struct Appraisal {
    status: Tier,
    vector: Vector,
    policy_ids: Vec<String>,
    nonce: Option<Vec<u8>>,
    attester: Map<String, Value>,
    verifier: Map<String, Value>,
}

impl Appraisal {
    pub(crate) fn of(status: Tier, vector: Vector, verifier: Map<String, Value>) -> Self {
        let (policy_ids, attester) = (Vec::new(), Map::new());
        Self { status, vector, policy_ids, nonce: None, attester, verifier }
    }

    /// The overall status.
    pub fn status(&self) -> Tier {
        self.status
    }

    /// The trustworthiness vector.
    pub fn vector(&self) -> &Vector {
        &self.vector
    }

    /// Names the appraisal policy.
    pub fn with_policy(mut self, id: impl Into<String>) -> Self {
        self.policy_ids.push(id.into());
        self
    }

    /// The nonce in the evidence; one that EAT cannot carry (under 8 or over 64 bytes) is left out.
    pub fn with_nonce(mut self, nonce: &[u8]) -> Self {
        self.nonce = NONCE_BYTES.contains(&nonce.len()).then(|| nonce.to_vec());
        self
    }

    /// A claim that the attester made, under its own name.
    pub fn with_attester_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attester.insert(name.to_owned(), value.into());
        self
    }

    /// A claim that the verifier added.
    pub fn with_verifier_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.verifier.insert(name.to_owned(), value.into());
        self
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "ear_status": self.status.name(),
            "ear_trustworthiness_vector": self.vector.to_json(),
        });
        if !self.policy_ids.is_empty() {
            json["ear_appraisal_policy_ids"] = self.policy_ids.clone().into();
        }
        if let Some(nonce) = &self.nonce {
            json["eat_nonce"] = BASE64URL.encode(nonce).into();
        }
        for (name, claims) in
            [("ear_attester_claims", &self.attester), ("ear_verifier_claims", &self.verifier)]
        {
            if !claims.is_empty() {
                json[name] = Value::Object(claims.clone());
            }
        }
        json
    }
}

/// The checks that were not made, for the verifier's claims.
pub(crate) fn not_checked(findings: &Findings) -> Value {
    let entry =
        |open: &crate::Open| json!({"check": open.check, "title": open.title, "why": open.why});
    findings.open().iter().map(entry).collect()
}

/// An attestation result.
#[derive(Debug, Clone, PartialEq)]
pub struct Ear {
    issued_at: u64,
    build: String,
    nonce: Option<Vec<u8>>,
    submods: BTreeMap<String, Appraisal>,
}

impl Ear {
    /// A result about one attester, judged at `issued_at_ms` (Unix milliseconds) by a verifier of
    /// this name and version.
    pub fn new(
        build: impl Into<String>,
        issued_at_ms: u64,
        label: impl Into<String>,
        appraisal: Appraisal,
    ) -> Self {
        let submods = BTreeMap::from([(label.into(), appraisal)]);
        Self { issued_at: issued_at_ms / 1000, build: build.into(), nonce: None, submods }
    }

    /// Adds the appraisal of a further attester.
    pub fn with(mut self, label: impl Into<String>, appraisal: Appraisal) -> Self {
        self.submods.insert(label.into(), appraisal);
        self
    }

    /// The nonce that the relying party asked with.
    pub fn with_nonce(mut self, nonce: &[u8]) -> Self {
        self.nonce = NONCE_BYTES.contains(&nonce.len()).then(|| nonce.to_vec());
        self
    }

    /// The worst status of all submodules.
    pub fn status(&self) -> Tier {
        let worst = self.submods.values().map(Appraisal::status).max_by_key(|s| s.distrust());
        worst.unwrap_or(Tier::None)
    }

    /// The claims-set.
    pub fn to_json(&self) -> Value {
        let submods: Map<_, _> = self
            .submods
            .iter()
            .map(|(label, appraisal)| (label.clone(), appraisal.to_json()))
            .collect();
        let mut json = json!({
            "eat_profile": PROFILE,
            "iat": self.issued_at,
            "ear_status": self.status().name(),
            "ear_verifier_id": {"developer": DEVELOPER, "build": self.build},
            "submods": submods,
        });
        if let Some(nonce) = &self.nonce {
            json["eat_nonce"] = BASE64URL.encode(nonce).into();
        }
        json
    }
}

/// Whether a claims-set that was read is an EAR and does not contradict itself.
pub(crate) fn check(claims: &Value) -> Result<(), EarError> {
    jws::check_profile(claims)?;
    if !claims["iat"].is_u64() {
        return Err(form("iat", "whole seconds", &claims["iat"]));
    }
    let submods = claims["submods"].as_object().filter(|submods| !submods.is_empty());
    let submods = submods.ok_or_else(|| form("submods", "an appraisal", &claims["submods"]))?;
    let mut worst = Tier::Affirming;
    for (label, appraisal) in submods {
        let status = tier(label, &appraisal["ear_status"])?;
        if let Some(vector) = appraisal["ear_trustworthiness_vector"].as_object() {
            let allowed = vector.values().try_fold(Tier::Affirming, |worst, value| {
                let byte = value.as_i64().and_then(|value| i8::try_from(value).ok());
                let byte = byte.ok_or_else(|| form("vector", "bytes", value))?;
                // A claim of the tier "none" says nothing and bounds nothing.
                Ok(match Claim::from_value(byte).tier() {
                    Tier::None => worst,
                    made => worse(worst, made),
                })
            })?;
            bounded(label, status, allowed)?;
        }
        worst = worse(worst, status);
    }
    match claims.get("ear_status") {
        Some(status) => bounded("the result", tier("the result", status)?, worst),
        None => Ok(()),
    }
}

fn worse(one: Tier, other: Tier) -> Tier {
    if other.distrust() > one.distrust() { other } else { one }
}

fn bounded(what: &str, status: Tier, allowed: Tier) -> Result<(), EarError> {
    if status.distrust() >= allowed.distrust() {
        return Ok(());
    }
    let (expected, found) = (allowed.name(), status.name().to_owned());
    Err(EarError::Status { what: what.to_owned(), expected, found })
}

fn tier(what: &str, value: &Value) -> Result<Tier, EarError> {
    value.as_str().and_then(Tier::from_name).ok_or_else(|| EarError::Status {
        what: what.to_owned(),
        expected: "a tier",
        found: value.to_string(),
    })
}

fn form(part: &'static str, expected: &'static str, found: &Value) -> EarError {
    EarError::Form { part, expected, found: found.to_string() }
}
