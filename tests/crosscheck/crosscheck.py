"""Verifies Probity's frozen proof from FORMAT.md alone, sharing no code with the Rust crates.

Reads shared/proof/vectors/proof-2.json and recomputes every value that the document defines:
hashes, signatures, the log, the quote and its chain. Exits 1 on the first difference.
"""

import hashlib
import io
import json
import pathlib
import sys

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric import ec
from pycose.keys import CoseKey, EC2Key, OKPKey
from pycose.messages import Sign1Message

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
passed = 0


def check(name, truth):
    global passed
    if not truth:
        sys.exit(f"FAILED: {name}")
    passed += 1


def H(tag, *parts):
    return hashlib.sha3_256(b"probity/v1/" + tag.encode() + b"\0" + b"".join(parts)).digest()


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(root(leaves[:split]), root(leaves[split:]))


def root_of_path(index, size, path, leaf_hash):
    """RFC 9162 section 2.1.3.2."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


def one_item(data):
    stream = io.BytesIO(data)
    item = cbor2.CBORDecoder(stream).decode()
    check("no trailing bytes", stream.tell() == len(data))
    return item


def canonical(data):
    item = one_item(data)
    check("deterministic encoding", cbor2.dumps(item, canonical=True) == data)
    return item


def key_of_did(did):
    check("did:key", did.startswith("did:key:z"))
    number = 0
    for character in did[len("did:key:z"):]:
        number = number * 58 + ALPHABET.index(character)
    raw = number.to_bytes(34, "big")
    check("multicodec ed25519-pub", raw[:2] == b"\xed\x01")
    return raw[2:]


def check_quote(v, document, at_ms):
    """The Nitro document: chain to the test root, ES384, and what it carries."""
    protected, _, payload, signature = one_item(document)
    fields = cbor2.loads(payload)
    certificates = [x509.load_der_x509_certificate(c) for c in fields["cabundle"]]
    certificates.append(x509.load_der_x509_certificate(fields["certificate"]))
    check("first certificate is the root", fields["cabundle"][0] == bytes.fromhex(v["test_root"]))
    for issuer, subject in zip(certificates, certificates[1:]):
        subject.verify_directly_issued_by(issuer)
    for certificate in certificates:
        start = certificate.not_valid_before_utc.timestamp() * 1000
        end = certificate.not_valid_after_utc.timestamp() * 1000
        check("certificate is valid then", start <= at_ms <= end)
    numbers = certificates[-1].public_key().public_numbers()
    check("curve", isinstance(numbers.curve, ec.SECP384R1))
    key = EC2Key(crv="P_384", x=numbers.x.to_bytes(48, "big"), y=numbers.y.to_bytes(48, "big"))
    message = Sign1Message.decode(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature])))
    message.key = key
    check("ES384 signature of the quote", message.verify_signature())
    check("timestamp", fields["timestamp"] == at_ms)
    for index in range(3):
        check(f"PCR{index}", fields["pcrs"][index].hex() == v["measurements"][f"pcr{index}"])
    return fields


def check_signers(v, signed, typ, seeds, threshold):
    """A COSE_Sign by k of n."""
    tag = one_item(signed)
    check("COSE_Sign", tag.tag == 98)
    body, unprotected, payload, signatures = tag.value
    check("headers", cbor2.loads(body) == {16: typ} and unprotected == {})
    known = {public(seed) for seed in seeds}
    signers = set()
    for protected, empty, signature in signatures:
        header = cbor2.loads(protected)
        check("signer's header", header[1] == -8 and empty == {})
        message = cbor2.dumps(["Signature", body, protected, b"", payload])
        Ed25519PublicKey.from_public_bytes(header[4]).verify(signature, message)
        signers.add(header[4])
    check("quorum", len(signers & known) >= threshold)
    return canonical(payload), payload


def public(seed):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    return private.public_key().public_bytes_raw()


def check_statement(v, statement):
    salt, body = bytes.fromhex(v["salt"]), v["input"].encode()
    check("version", statement[1] == 2)
    check("agent", statement[4] == v["agent"])
    check("key from its seed", key_of_did(statement[4]) == public(v["signer_seed"]))
    check("input_hash", statement[14] == H("input", salt, body))
    check("facts_hash", statement[15] == H("facts", salt, bytes.fromhex(v["record"])))
    check("rule_hash", statement[16] == H("rule-set", bytes.fromhex(v["rule_digest"])))
    leaf_salt = H("leaf-salt", salt, (0).to_bytes(4, "big"))
    check("leaf salt", leaf_salt.hex() == v["leaf_salt"])
    output_leaf = H("output-leaf", leaf_salt, bytes.fromhex(v["rule_result"]))
    check("output_leaf", output_leaf.hex() == v["output_leaf"])
    check("output_hash", statement[18] == root([leaf(output_leaf)]))
    engine, abi, _, facts = statement[11]
    state = [engine, abi, facts, [10_000_000, 64, 128, 65_536, 4096], [], 0, None]
    check("state_hash", statement[17] == H("state", salt, cbor2.dumps(state, canonical=True)))
    rule = statement[12][0]
    trace = [[rule[0], v["fuel"], [[0, 1, True]]]]
    check("trace_hash", statement[19] == H("trace", salt, cbor2.dumps(trace, canonical=True)))
    check("every pair is covered", statement[23] == [])
    check("no list of names was asked", rule[7] == [])
    check("the newest rulebook was used", statement[21][2] == statement[10][1])
    check("decision follows", statement[20] == [True, rule[5]] and rule[5] == 1)
    id_, version, outcome, reason, values = canonical(bytes.fromhex(v["rule_result"]))
    check("result is the statement's", [id_, version, outcome, reason] == [rule[0], rule[1], rule[5], rule[6]])
    check("compared value", values == [[2, 1_500_000, 2, "USD"]])
    *_, values = canonical(bytes.fromhex(v["wide_result"]))
    wide = int.from_bytes(values[0][1], "big", signed=True)
    check("mantissa beyond 64 bits", [wide, *values[0][2:]] == [-(10**36), 18, "ETH"])
    check("largest mantissa that is an integer", values[1] == [2, 2**63 - 1, 2, ""])
    check("a span of time", values[2] == [6, 86_400_000])


def check_record(v):
    """A few fields of the record, by offset (ABI.md section 3)."""
    record = bytes.fromhex(v["record"])
    u32 = lambda at: int.from_bytes(record[at:at + 4], "little")
    check("magic", u32(0) == 0x31464250 and u32(4) == len(record) and len(record) % 8 == 0)
    check("type", u32(40) == 2)
    check("amount", int.from_bytes(record[48:64], "little") == 1_500_000 and record[68] == 2)
    check("currency", record[64:68] == b"USD\0")
    check("country", record[88:92] == b"US\0\0")
    start, length = u32(32), u32(36)
    check("transaction id", record[start:start + length] == b"txn-cash-1")


def check_rules(v, statement):
    bundle, payload = check_signers(
        v, bytes.fromhex(v["bundle"]), "application/probity-bundle+cbor", v["authority_seeds"], 2)
    check("bundle hash", H("bundle", payload).hex() == v["bundle_hash"])
    check("rulebook", statement[10] == [bundle[2], bundle[3], H("bundle", payload)])
    check("module hash", H("module", bundle[6][0]) == statement[12][0][4])
    rule = cbor2.dumps(bundle[7][0], canonical=True)
    check("rule digest", H("rule", rule).hex() == v["rule_digest"])
    freshness, _ = check_signers(
        v, bytes.fromhex(v["freshness"]), "application/probity-freshness+cbor", [v["freshness_seed"]], 1)
    check("freshness is of this bundle", freshness[2] == H("bundle", payload))


def check_boot(v, fields):
    config_bytes = bytes.fromhex(v["boot_config"])
    config = canonical(config_bytes)
    check("authorities", config[2] == sorted(public(seed) for seed in v["authority_seeds"]))
    pcr16 = hashlib.sha384(bytes(48) + hashlib.sha384(config_bytes).digest()).digest()
    check("PCR16", pcr16.hex() == v["pcr16"] and fields["pcrs"][16] == pcr16)
    record_bytes = bytes.fromhex(v["boot_record"])
    record = canonical(record_bytes)
    check("boot configuration hash", record[3] == H("boot-config", config_bytes))
    check("boot record hash", H("boot-record", record_bytes).hex() == v["boot_record_hash"])


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    v = json.loads((here / "shared/proof/vectors/proof-2.json").read_text())
    proof = bytes.fromhex(v["proof"])
    message = Sign1Message.decode(proof)
    statement = canonical(message.payload)
    check("statement bytes", message.payload.hex() == v["statement"])
    message.key = CoseKey.from_dict({1: 1, 3: -8, -1: 6, -2: key_of_did(statement[4])})
    check("pycose verifies the envelope", message.verify_signature())
    tag = one_item(proof)
    protected, unprotected, payload, signature = tag.value
    header = canonical(protected)
    profile = "tag:probity.example,2026:eat/statement/2"
    claims = {1: statement[4], 6: statement[5] // 1000, 265: profile}
    check("header", header == {1: -8, 15: claims, 16: "application/probity-statement+cbor"})
    structure = cbor2.dumps(["Signature1", protected, b"", payload])
    check("Sig_structure", structure.hex() == v["sig_structure"])
    proof_hash = H("proof", structure)
    check("proof hash", proof_hash.hex() == v["proof_hash"])
    check_statement(v, statement)
    check_record(v)
    check_rules(v, statement)
    kind, document = unprotected["evidence"]
    check("kind", kind == "nitro")
    fields = check_quote(v, document, v["document_time_ms"])
    size, index, path = unprotected["inclusion"]
    data = [bytes.fromhex(x) for x in v["leaves_before"]] + [proof_hash]
    data += [bytes.fromhex(x) for x in v["leaves_after"]]
    quoted = root([leaf(d) for d in data])
    check("inclusion", root_of_path(index, size, path, leaf(proof_hash)) == quoted)
    checkpoint = b"probity/v1/checkpoint\0" + statement[3] + size.to_bytes(8, "big") + quoted
    check("checkpoint is quoted", fields["user_data"] == checkpoint)
    check("checkpoint bytes", checkpoint.hex() == v["checkpoint"])
    key_set = [{1: 1, 3: -8, -1: 6, -2: key_of_did(statement[4])}]
    check("key set is quoted", cbor2.loads(fields["public_key"]) == key_set)
    check("no nonce in a quote over the log", fields.get("nonce") is None)
    check_boot(v, fields)
    forged = bytearray(structure)
    forged[-1] ^= 1
    try:
        Ed25519PublicKey.from_public_bytes(key_of_did(statement[4])).verify(signature, bytes(forged))
        check("a changed statement is refused", False)
    except InvalidSignature:
        check("a changed statement is refused", True)
    print(f"crosscheck: {passed} passed, 0 failed")


main()
