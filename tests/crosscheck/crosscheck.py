"""Verifies Probity's frozen proof from FORMAT.md alone, sharing no code with the Rust crates.

Reads shared/proof/vectors/proof-2.json and recomputes every value that the document defines:
hashes, signatures, the log, the quote and its chain; then the other frozen vectors (policy, TPM
quote with its boot log, receipts and witnesses, sealed messages), and real documents where the
corpora are. Exits 1 on the first difference.
"""

import hashlib
import json
import pathlib

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pycose.keys import CoseKey
from pycose.messages import Sign1Message

from common import (H, canonical, check, checkpoint_bytes, count, key_of_did, leaf, one_item, root,
                    root_of_path)
import policy
import receipt
import sealed
from quote import attest_of, check_nitro, check_tpm, replay_log, verify_signature


def check_signers(signed, typ, known, threshold):
    """A COSE_Sign by k of the known keys."""
    tag = one_item(signed)
    check("COSE_Sign", tag.tag == 98)
    body, unprotected, payload, signatures = tag.value
    check("headers", cbor2.loads(body) == {16: typ} and unprotected == {})
    content = canonical(payload)
    signers = set()
    for protected, empty, signature in signatures:
        header = cbor2.loads(protected)
        check("signer's header", header[1] == -8 and empty == {})
        message = cbor2.dumps(["Signature", body, protected, b"", payload])
        Ed25519PublicKey.from_public_bytes(header[4]).verify(signature, message)
        signers.add(header[4])
    check("quorum", len(signers & set(known)) >= threshold)
    return content, payload


def public(seed):
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
        bytes.fromhex(v["bundle"]), "application/probity-bundle+cbor",
        [public(seed) for seed in v["authority_seeds"]], 2)
    check("bundle hash", H("bundle", payload).hex() == v["bundle_hash"])
    check("rulebook", statement[10] == [bundle[2], bundle[3], H("bundle", payload)])
    check("module hash", H("module", bundle[6][0]) == statement[12][0][4])
    rule = cbor2.dumps(bundle[7][0], canonical=True)
    check("rule digest", H("rule", rule).hex() == v["rule_digest"])
    freshness, _ = check_signers(
        bytes.fromhex(v["freshness"]), "application/probity-freshness+cbor",
        [public(v["freshness_seed"])], 1)
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


# SHA-256 of AWS's root G1 in DER.
AWS_G1 = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"


def check_real(here):
    """Documents and quotes that real hardware signed, where the corpora are."""
    folder = here / "../shared/corpora"
    if not folder.is_dir():
        print("ignored: corpus absent (../shared/corpora)")
        return
    for path in sorted((folder / "nitro").glob("*.cose")):
        document = path.read_bytes()
        item = cbor2.loads(document)
        payload = item.value[2] if isinstance(item, cbor2.CBORTag) else item[2]
        first = cbor2.loads(payload)["cabundle"][0]
        check(f"AWS's root: {path.name}", hashlib.sha256(first).hexdigest() == AWS_G1)
        check_nitro(document, first)
    report, signature, values = ((folder / "tpm" / f"libsignal_tpm2_valid_{part}.dat").read_bytes()
                                 for part in ["report", "signature", "pcrs"])
    quote = attest_of(report)
    check("registers of a real quote", hashlib.sha256(values).digest() == quote["digest"])
    certificate = (folder / "tpm/libsignal_tpm2snp_valid_cert.pem").read_bytes()
    key = x509.load_pem_x509_certificate(certificate).public_key()
    verify_signature(key, 0x10, None, signature, report)


def check_tpm_vectors(here):
    """The frozen evidence of TPM.md, and the boot log that replays to its registers."""
    data = here / "shared/attest/data"
    quote = check_tpm((data / "tpm-evidence-v1.cbor").read_bytes())
    registers = replay_log((data / "tpm-event-log.bin").read_bytes())
    check("the log replays to the quoted registers", registers and all(
        registers[index] == value for index, value in quote["pcrs"].items() if any(value)))


def check_receipts(here):
    """shared/receipt/vectors: one proof's place in its log in the standard encodings."""
    v = json.loads((here / "shared/receipt/vectors/receipt-1.json").read_text())
    protected, unprotected, payload, _ = one_item(bytes.fromhex(v["proof"])).value
    statement = canonical(payload)
    leaf_hash = leaf(H("proof", cbor2.dumps(["Signature1", protected, b"", payload])))
    check("leaf", leaf_hash.hex() == v["leaf"])
    size, index, path = unprotected["inclusion"]
    tree_root = root_of_path(index, size, path, leaf_hash)
    checkpoint = checkpoint_bytes(statement[3], size, tree_root)
    check("the path leads to the checkpoint", checkpoint.hex() == v["checkpoint"])
    origin, kind, key = receipt.parse_key(v["log_key"])
    check("the log's key is the signer's", kind == 1 and key == key_of_did(statement[4]))
    check("origin", origin == "probity.example/log/" + statement[3].hex())
    body, lines = receipt.split_note(v["note"])
    check("the note is the checkpoint", receipt.head_of(body) == (origin, size, tree_root))
    receipt.check_log_signature(body, lines, origin, key)
    for witness in v["witnesses"]:
        name, kind, witness_key = receipt.parse_key(witness["key"])
        time = receipt.check_cosignature(body, lines, name, witness_key)
        check("time of the witness", kind == 4 and time == witness["time_s"])
    place = (size, index, tree_root)
    check("tlog-proof", receipt.check_tlog_proof(v["tlog_proof"], leaf_hash, origin, key) == place)
    cose = bytes.fromhex(v["receipt"])
    check("COSE Receipt", receipt.check_cose_receipt(cose, leaf_hash, key) == place)
    old = (v["old_size"], bytes.fromhex(v["old_root"]))
    grown = receipt.check_cose_consistency(bytes.fromhex(v["consistency_receipt"]), *old, key)
    check("consistency receipt", grown == (size, tree_root))
    by_note, by_receipt = unprotected["log_signatures"]
    public = Ed25519PublicKey.from_public_bytes(key)
    public.verify(by_note, body.encode())
    header = cbor2.dumps({1: -8, 395: 1}, canonical=True)
    public.verify(by_receipt, cbor2.dumps(["Signature1", header, b"", tree_root]))
    carried = [line.decode() for line in unprotected.get("cosignatures", [])]
    check("cosignatures are carried", all(line + "\n" in v["note"] for line in carried))
    transparent = one_item(bytes.fromhex(v["transparent_statement"])).value
    check("a transparent statement is the statement with its receipt",
          [transparent[0], transparent[2]] == [protected, payload] and transparent[1][394] == [cose])


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    check_real(here)
    policy.run(here / "shared/policy/vectors")
    check_tpm_vectors(here)
    check_receipts(here)
    sealed.run(here / "shared/seal/vectors")
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
    fields = check_nitro(document, bytes.fromhex(v["test_root"]), v["document_time_ms"])
    for index in range(3):
        check(f"PCR{index}", fields["pcrs"][index].hex() == v["measurements"][f"pcr{index}"])
    size, index, path = unprotected["inclusion"]
    data = [bytes.fromhex(x) for x in v["leaves_before"]] + [proof_hash]
    data += [bytes.fromhex(x) for x in v["leaves_after"]]
    quoted = root([leaf(d) for d in data])
    check("inclusion", root_of_path(index, size, path, leaf(proof_hash)) == quoted)
    checkpoint = checkpoint_bytes(statement[3], size, quoted)
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
    print(f"crosscheck: {count()} passed, 0 failed")


main()
