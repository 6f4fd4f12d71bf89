//! Enrolments, sound and hostile. The makers of both share no code with the checks.

#![allow(clippy::unwrap_used)]

mod certificates;
mod credentials;
mod hostile;
mod records;
mod swtpm_chain;

use attestation_fixtures::tpm::{AkKey, EkKey, EnrolmentFiles, EnrolmentSpec};
use enrol::{
    Activated, Candidate, Challenge, ChallengeRandom, Credential, EkRoots, EnrolError, Submission,
};

const NOW_MS: u64 = 1_800_000_000_000;
const EKS: [EkKey; 3] = [EkKey::Rsa2048, EkKey::P256("ek"), EkKey::P384("ek")];
const AKS: [AkKey; 2] = [AkKey::P256("ak"), AkKey::Rsa2048];

fn submission(files: &EnrolmentFiles) -> Submission<'_> {
    Submission {
        ek_certificates: files.ek_certificates.iter().map(Vec::as_slice).collect(),
        ek_public: &files.ek_public,
        ak_public: &files.ak_public,
        creation_attest: &files.creation_attest,
        creation_signature: &files.creation_signature,
        creation_data: &files.creation_data,
    }
}

fn roots(spec: &EnrolmentSpec) -> EkRoots {
    EkRoots::new().with_root("forged", &spec.chain.root_der()).unwrap()
}

fn judge(spec: &EnrolmentSpec) -> Result<Candidate, EnrolError> {
    // The registrar's root is the sound one, whatever the spec says of it.
    let sound = EnrolmentSpec::new(spec.ek, spec.ak, NOW_MS);
    enrol::judge(&submission(&spec.files()), &roots(&sound), NOW_MS)
}

fn candidate(ek: EkKey, ak: AkKey) -> Candidate {
    judge(&EnrolmentSpec::new(ek, ak, NOW_MS)).unwrap()
}

fn random(fill: u8) -> ChallengeRandom {
    ChallengeRandom { id: [fill; 16], secret: [fill ^ 1; 32], entropy: [fill ^ 2; 96] }
}

fn challenge(ek: EkKey, ak: AkKey) -> (Challenge, Credential) {
    Challenge::new(candidate(ek, ak), &random(0x11), NOW_MS).unwrap()
}

fn activated(ek: EkKey, ak: AkKey) -> Activated {
    let (challenge, credential) = challenge(ek, ak);
    let name = challenge.candidate().ak_name().to_vec();
    let secret = ek.activate(&name, &credential.blob, &credential.encrypted_secret).unwrap();
    challenge.answer(&secret, NOW_MS + 1).unwrap()
}
