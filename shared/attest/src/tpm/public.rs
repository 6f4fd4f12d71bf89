//! TPMT_PUBLIC of an attestation key (TPM 2.0 Part 2, 12.2.4; checks T4 to T6). The name is
//! computed from the received bytes, and a key that could sign or decrypt anything but the TPM's
//! own structures must never become a value.

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;
use crate::tpm::key::{Curve, PublicKey};
use crate::tpm::signature::{Scheme, SchemeKind};

/// An attestation key's public area, judged by T4 to T6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AkPublic {
    /// nameAlg and the digest of the public area (TPM 2.0 Part 1, 16).
    pub(crate) name: Vec<u8>,
    pub(crate) name_algorithm: HashAlgorithm,
    pub(crate) scheme: Scheme,
    pub(crate) key: PublicKey,
}

impl AkPublic {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, AttestError> {
        let size = bytes.len() as u64;
        AttestError::within(Check::t(13), "TPMT_PUBLIC bytes", size, 1, PUBLIC_BYTES_MAX)?;
        let mut reader = Bytes::new(bytes, Check::t(4), "TPMT_PUBLIC");
        let kind = reader.be16()?;
        let name_algorithm = HashAlgorithm::of(reader.be16()?, Check::t(6), "nameAlg")?;
        let attributes = reader.be32()?;
        reader.sized("authPolicy bytes", 64)?;
        let public = match kind {
            ALG_RSA => rsa(&mut reader)?,
            ALG_ECC => ecc(&mut reader)?,
            other => {
                let actual = format!("{other:#06x}");
                return Err(AttestError::refuse(Check::t(6), "key type", "RSA or ECC", actual));
            }
        };
        reader.end()?;
        check_attributes(attributes)?;
        let (scheme, key) = public.judged()?;
        let mut name = name_algorithm.id().to_be_bytes().to_vec();
        name.extend(name_algorithm.digest(&[bytes]));
        Ok(Self { name, name_algorithm, scheme, key })
    }
}

/// The type's parameters and its key, read to the end before they are judged.
enum Parameters<'a> {
    Rsa { scheme: (u16, u16), bits: u16, exponent: u32, modulus: &'a [u8] },
    Ecc { scheme: (u16, u16), curve: u16, x: &'a [u8], y: &'a [u8] },
}

impl Parameters<'_> {
    fn judged(self) -> Result<(Scheme, PublicKey), AttestError> {
        let refuse = |what: &str, expected: &str, actual: String| {
            Err(AttestError::refuse(Check::t(6), what, expected, actual))
        };
        match self {
            Parameters::Rsa { scheme, bits, exponent, modulus } => {
                let scheme = match fixed_scheme(scheme)? {
                    Scheme { kind: SchemeKind::Ecdsa, .. } => {
                        return refuse("scheme", "RSASSA or RSAPSS", "ECDSA".to_owned());
                    }
                    scheme => scheme,
                };
                let whole = u64::from(bits) == modulus.len() as u64 * 8;
                if !whole || modulus.first().is_none_or(|first| first >> 7 == 0) {
                    let actual = format!("{} bytes for {bits} bits", modulus.len());
                    return refuse("RSA modulus", "as many bits as keyBits says", actual);
                }
                // Zero stands for the default, 2^16 + 1.
                let exponent = if exponent == 0 { 65_537 } else { exponent };
                Ok((scheme, PublicKey::rsa(modulus, &exponent.to_be_bytes())?))
            }
            Parameters::Ecc { scheme, curve, x, y } => {
                let scheme = match fixed_scheme(scheme)? {
                    scheme @ Scheme { kind: SchemeKind::Ecdsa, .. } => scheme,
                    other => return refuse("scheme", "ECDSA", other.to_string()),
                };
                let curve = match curve {
                    CURVE_P256 => Curve::P256,
                    CURVE_P384 => Curve::P384,
                    other => return refuse("curve", "P-256 or P-384", format!("{other:#06x}")),
                };
                Ok((scheme, PublicKey::ecc(curve, x, y)?))
            }
        }
    }
}

fn rsa<'a>(reader: &mut Bytes<'a>) -> Result<Parameters<'a>, AttestError> {
    no_symmetric(reader)?;
    let scheme = scheme(reader)?;
    let (bits, exponent) = (reader.be16()?, reader.be32()?);
    let modulus = reader.sized("RSA modulus bytes", 1024)?;
    Ok(Parameters::Rsa { scheme, bits, exponent, modulus })
}

fn ecc<'a>(reader: &mut Bytes<'a>) -> Result<Parameters<'a>, AttestError> {
    no_symmetric(reader)?;
    let scheme = scheme(reader)?;
    let curve = reader.be16()?;
    let kdf = reader.be16()?;
    if kdf != ALG_NULL {
        let actual = format!("{kdf:#06x}");
        return Err(AttestError::refuse(Check::t(6), "kdf", "none (0x0010)", actual));
    }
    let x = reader.sized("EC coordinate bytes", 66)?;
    let y = reader.sized("EC coordinate bytes", 66)?;
    Ok(Parameters::Ecc { scheme, curve, x, y })
}

fn no_symmetric(reader: &mut Bytes<'_>) -> Result<(), AttestError> {
    match reader.be16()? {
        ALG_NULL => Ok(()),
        other => {
            let (expected, actual) = ("none (0x0010): it signs", format!("{other:#06x}"));
            Err(AttestError::refuse(Check::t(6), "symmetric", expected, actual))
        }
    }
}

/// The scheme's number and its hash; zero where the scheme has none.
fn scheme(reader: &mut Bytes<'_>) -> Result<(u16, u16), AttestError> {
    let id = reader.be16()?;
    match SchemeKind::of(id) {
        Some(_) => Ok((id, reader.be16()?)),
        None => {
            let expected = "RSASSA, RSAPSS or ECDSA, fixed in the key";
            Err(AttestError::refuse(Check::t(6), "scheme", expected, format!("{id:#06x}")))
        }
    }
}

fn fixed_scheme((id, hash): (u16, u16)) -> Result<Scheme, AttestError> {
    let kind = SchemeKind::of(id).expect("a known scheme because others were refused on reading");
    Ok(Scheme { kind, hash: HashAlgorithm::of(hash, Check::t(6), "scheme hash")? })
}

/// T5, and T4 for bits that no attribute has.
fn check_attributes(attributes: u32) -> Result<(), AttestError> {
    if attributes & RESERVED != 0 {
        let actual = format!("{attributes:#010x}");
        return Err(AttestError::refuse(
            Check::t(4),
            "objectAttributes",
            "reserved bits zero",
            actual,
        ));
    }
    for (bit, name) in REQUIRED {
        if attributes >> bit & 1 == 0 {
            let actual = format!("{attributes:#010x}");
            return Err(AttestError::refuse(Check::t(5), "objectAttributes", name, actual));
        }
    }
    if attributes >> DECRYPT & 1 == 1 {
        let actual = format!("{attributes:#010x}");
        return Err(AttestError::refuse(Check::t(5), "objectAttributes", "no decrypt", actual));
    }
    Ok(())
}

const PUBLIC_BYTES_MAX: u64 = 1300;
const ALG_RSA: u16 = 0x0001;
const ALG_ECC: u16 = 0x0023;
const ALG_NULL: u16 = 0x0010;
const CURVE_P256: u16 = 0x0003;
const CURVE_P384: u16 = 0x0004;
/// TPMA_OBJECT (TPM 2.0 Part 2, 8.3.2).
const REQUIRED: [(u32, &str); 5] = [
    (1, "fixedTPM"),
    (4, "fixedParent"),
    (5, "sensitiveDataOrigin"),
    (16, "restricted"),
    (18, "sign"),
];
const DECRYPT: u32 = 17;
/// Bits 0, 3, 12 to 15 and 20 to 31; revision 1.83 gave 8 and 9 a meaning.
const RESERVED: u32 = 0xfff0_f009;
