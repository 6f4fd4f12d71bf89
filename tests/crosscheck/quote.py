"""Evidence of the hardware, from FORMAT.md: Nitro documents (with `cryptography` and pycose) and
TPM 2.0 quotes (TCG Trusted Platform Module Library, part 2, read by hand)."""

import hashlib
import struct

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pycose.keys import EC2Key
from pycose.messages import Sign1Message

from common import canonical, check, one_item

ALGORITHMS = {0x0B: hashes.SHA256, 0x0C: hashes.SHA384, 0x0D: hashes.SHA512}
NAMES = {0x0B: "sha256", 0x0C: "sha384", 0x0D: "sha512"}
CURVES = {0x03: ec.SECP256R1, 0x04: ec.SECP384R1}


def check_chain(root_der, bundle, certificate, at_ms):
    """Root first; every certificate valid at the moment."""
    check("first certificate is the root", bundle[0] == root_der)
    certificates = [x509.load_der_x509_certificate(c) for c in [*bundle, certificate]]
    for issuer, subject in zip(certificates, certificates[1:]):
        subject.verify_directly_issued_by(issuer)
        check("issuer is a CA", issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    for one in certificates:
        start = one.not_valid_before_utc.timestamp() * 1000
        end = one.not_valid_after_utc.timestamp() * 1000
        check("certificate is valid then", start <= at_ms <= end)
    return certificates[-1]


def check_nitro(document, root_der, at_ms=None):
    """A Nitro document: chain, ES384, fields. `at_ms` None: its own time."""
    item = one_item(document)
    protected, unprotected, payload, signature = item.value if isinstance(item, cbor2.CBORTag) else item
    check("header of the quote", cbor2.loads(protected) == {1: -35} and unprotected == {})
    fields = one_item(payload)
    at_ms = fields["timestamp"] if at_ms is None else at_ms
    leaf = check_chain(root_der, fields["cabundle"], fields["certificate"], at_ms)
    numbers = leaf.public_key().public_numbers()
    check("curve", isinstance(numbers.curve, ec.SECP384R1))
    key = EC2Key(crv="P_384", x=numbers.x.to_bytes(48, "big"), y=numbers.y.to_bytes(48, "big"))
    tagged = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))
    message = Sign1Message.decode(tagged)
    message.key = key
    check("ES384 signature of the quote", message.verify_signature())
    check("timestamp", fields["timestamp"] == at_ms)
    return fields


class Marshalled:
    """Big-endian TPM structures."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        check("the structure is long enough", self.at + count <= len(self.data))
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def sized(self):
        return self.take(self.number("H"))

    def end(self):
        check("nothing follows the structure", self.at == len(self.data))


def attest_of(data):
    """TPMS_ATTEST of a quote."""
    m = Marshalled(data)
    check("magic", m.number("I") == 0xFF544347)
    check("type is a quote", m.number("H") == 0x8018)
    quote = {"signer": m.sized(), "extra": m.sized()}
    quote["clock"], quote["resets"], quote["restarts"], quote["safe"] = (m.number(f) for f in "QIIB")
    quote["firmware"] = m.number("Q")
    check("one bank is selected", m.number("I") == 1)
    quote["bank"] = m.number("H")
    check("the bank is SHA-256 or SHA-384", quote["bank"] in (0x0B, 0x0C))
    bits = m.take(m.number("B"))
    quote["selected"] = [8 * n + b for n, byte in enumerate(bits) for b in range(8) if byte >> b & 1]
    quote["digest"] = m.sized()
    m.end()
    return quote


def public_of(data):
    """TPMT_PUBLIC of a signing key: the key, its scheme's hash, its name."""
    m = Marshalled(data)
    kind, name_algorithm, attributes = m.number("H"), m.number("H"), m.number("I")
    # fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; never decrypt.
    check("attributes of an attestation key", attributes & 0x70032 == 0x50032)
    m.sized()
    check("no symmetric algorithm", m.number("H") == 0x10)
    scheme = m.number("H")
    scheme_hash = m.number("H") if scheme != 0x10 else None
    if kind == 0x01:
        bits, exponent, modulus = m.number("H"), m.number("I") or 65537, m.sized()
        check("RSA of 2048 bits or more", bits >= 2048 and len(modulus) * 8 == bits)
        key = rsa.RSAPublicNumbers(exponent, int.from_bytes(modulus, "big")).public_key()
    else:
        check("ECC", kind == 0x23)
        curve = CURVES[m.number("H")]
        check("no key derivation", m.number("H") == 0x10)
        x, y = (int.from_bytes(m.sized(), "big") for _ in range(2))
        key = ec.EllipticCurvePublicNumbers(x, y, curve()).public_key()
    m.end()
    name = struct.pack(">H", name_algorithm) + hashlib.new(NAMES[name_algorithm], data).digest()
    return key, scheme, scheme_hash, name


def verify_signature(key, scheme, scheme_hash, signature, message):
    m = Marshalled(signature)
    kind, algorithm = m.number("H"), m.number("H")
    check("the signature has the key's scheme", scheme in (0x10, kind))
    check("the signature has the key's hash", scheme_hash in (None, algorithm))
    made_of = ALGORITHMS[algorithm]()
    if kind == 0x18:
        r, s = (int.from_bytes(m.sized(), "big") for _ in range(2))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(made_of))
    elif kind == 0x14:
        key.verify(m.sized(), message, padding.PKCS1v15(), made_of)
    else:
        check("RSASSA, RSAPSS or ECDSA", kind == 0x16)
        pad = padding.PSS(padding.MGF1(made_of), padding.PSS.AUTO)
        key.verify(m.sized(), message, pad, made_of)
    m.end()
    check("the attestation key signed the quote", True)
    return algorithm


def check_tpm(evidence):
    """The evidence of kind `tpm` (FORMAT.md): who signed is the caller's to compare."""
    parts = canonical(evidence)
    check("version of the evidence", parts[1] == 1 and sorted(parts) == list(range(1, 10)))
    quote = attest_of(parts[2])
    key, scheme, scheme_hash, name = public_of(parts[4])
    algorithm = verify_signature(key, scheme, scheme_hash, parts[3], parts[2])
    indexes = [index for index, _ in parts[5]]
    check("the values are those of the selection", indexes == quote["selected"])
    width = {0x0B: 32, 0x0C: 48}[quote["bank"]]
    check("the values have the bank's width", all(len(value) == width for _, value in parts[5]))
    values = b"".join(value for _, value in parts[5])
    check("pcrDigest", hashlib.new(NAMES[algorithm], values).digest() == quote["digest"])
    sized = b"".join(struct.pack(">H", len(p)) + p for p in [parts[8] or b"", parts[6], parts[7]])
    bound = hashlib.sha256(b"probity/v1/tpm-quote\0" + sized).digest()
    check("extraData", quote["extra"] == bound)
    return {"ak": name, "pcrs": dict(parts[5]), "user_data": parts[6], "public_key": parts[7],
            "nonce": parts[8], **quote}


def replay_log(log, bank=0x0B):
    """Registers of one bank from a crypto-agile log (PC Client Platform Firmware Profile, 10)."""
    view = memoryview(log)

    def number(at, count):
        check("the log is long enough", at + count <= len(view))
        return int.from_bytes(view[at:at + count], "little"), at + count

    size, at = number(28, 4)
    check("the log is crypto-agile", bytes(view[32:47]) == b"Spec ID Event03")
    (count, place), end = number(at + 24, 4), at + size
    sizes = {}
    for _ in range(count):
        algorithm, place = number(place, 2)
        sizes[algorithm], place = number(place, 2)
    at, registers, locality = end, {}, None
    while at < len(view) and any(view[at:]) and not all(byte == 0xFF for byte in view[at:]):
        (index, at), digest = number(at, 4), None
        kind, at = number(at, 4)
        count, at = number(at, 4)
        for _ in range(count):
            algorithm, at = number(at, 2)
            if algorithm == bank:
                digest = bytes(view[at:at + sizes[algorithm]])
            at += sizes[algorithm]
        size, at = number(at, 4)
        data, at = bytes(view[at:at + size]), at + size
        if kind == 3:
            if index == 0 and data.startswith(b"StartupLocality\0"):
                locality = data[16]
            continue
        start = (b"\xff" if 17 <= index <= 22 else b"\0") * sizes[bank]
        if index == 0:
            start = start[:-1] + bytes([4 if locality is None and kind == 0x80000010 else locality or 0])
        registers[index] = hashlib.new(NAMES[bank], registers.get(index, start) + digest).digest()
    return registers
