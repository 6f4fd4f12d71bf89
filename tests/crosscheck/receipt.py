"""Standard encodings of inclusion, from FORMAT.md and the C2SP and IETF texts it names: signed
notes, witness cosignatures, tlog-proof, COSE Receipts."""

import base64
import hashlib

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common import check, node, one_item, root_of_path


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def parse_key(text):
    """name+hexid+base64(type || key)."""
    name, found, rest = text.split("+", 2)
    raw = base64.b64decode(rest, validate=True)
    check("key id", bytes.fromhex(found) == key_id(name, raw[0], raw[1:]))
    return name, raw[0], raw[1:]


def split_note(text):
    """Text and signature lines of a signed note."""
    body, _, rest = text.partition("\n\n")
    check("a note has a blank line and ends with one signature a line", rest.endswith("\n"))
    lines = []
    for line in rest[:-1].split("\n"):
        dash, name, signature = line.split(" ")
        check("signature line", dash == "\u2014")
        raw = base64.b64decode(signature, validate=True)
        lines.append((name, raw[:4], raw[4:]))
    return body + "\n", lines


def head_of(body):
    """origin, size and root of a tlog-checkpoint."""
    origin, size, root, *_ = body.split("\n")
    check("size in decimal", str(int(size)) == size)
    return origin, int(size), base64.b64decode(root, validate=True)


def check_log_signature(body, lines, name, key):
    """Ed25519 over the text, type 0x01."""
    wanted = key_id(name, 1, key)
    found = [raw for who, identity, raw in lines if (who, identity) == (name, wanted)]
    check("the log signed the note", len(found) == 1)
    Ed25519PublicKey.from_public_bytes(key).verify(found[0], body.encode())
    check("signature of the log", True)


def check_cosignature(body, lines, name, key):
    """cosignature/v1, type 0x04; gives the witness's time in seconds."""
    wanted = key_id(name, 4, key)
    found = [raw for who, identity, raw in lines if (who, identity) == (name, wanted)]
    check("the witness signed the note", len(found) == 1 and len(found[0]) == 72)
    time = int.from_bytes(found[0][:8], "big")
    message = f"cosignature/v1\ntime {time}\n".encode() + body.encode()
    Ed25519PublicKey.from_public_bytes(key).verify(found[0][8:], message)
    check("cosignature", True)
    return time


def check_tlog_proof(text, leaf_hash, name, key):
    """c2sp.org/tlog-proof@v1; gives size, index and root."""
    head, _, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    check("tlog-proof", first == "c2sp.org/tlog-proof@v1")
    if lines[0].startswith("extra "):
        base64.b64decode(lines.pop(0)[6:], validate=True)
    word, index = lines.pop(0).split(" ")
    check("index", word == "index" and str(int(index)) == index)
    path = [base64.b64decode(line, validate=True) for line in lines]
    body, signatures = split_note(note)
    origin, size, root = head_of(body)
    check("origin", origin == name)
    check("the path leads to the root", root_of_path(int(index), size, path, leaf_hash) == root)
    check_log_signature(body, signatures, name, key)
    return size, int(index), root


def check_cose_receipt(receipt, leaf_hash, key):
    """A COSE Receipt of inclusion under vds 1 (RFC 9162, SHA-256); gives size, index and root."""
    tag = one_item(receipt)
    check("COSE_Sign1", tag.tag == 18)
    protected, unprotected, payload, signature = tag.value
    header = cbor2.loads(protected)
    check("header of the receipt", header[1] == -8 and header[395] == 1 and payload is None)
    proofs = unprotected[396][-1]
    check("one inclusion proof", len(proofs) == 1)
    size, index, path = one_item(proofs[0])
    root = root_of_path(index, size, path, leaf_hash)
    check("the path has the right length", root is not None)
    message = cbor2.dumps(["Signature1", protected, b"", root])
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message[:-1] + bytes([message[-1] ^ 1]))
        check("a receipt over another root is refused", False)
    except InvalidSignature:
        check("a receipt over another root is refused", True)
    return size, index, root


def check_cose_consistency(receipt, old_size, old_root, key):
    """A COSE Receipt of consistency (RFC 9162 section 2.1.4.2); gives the newer size and root."""
    protected, unprotected, payload, signature = one_item(receipt).value
    header = cbor2.loads(protected)
    check("header of the receipt", header[1] == -8 and header[395] == 1 and payload is None)
    first, size, path = one_item(unprotected[396][-2][0])
    check("the older size", first == old_size and 0 < old_size < size)
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        check("the path is not too long", sn != 0)
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    check("the path starts from the older root", fr == old_root and sn == 0)
    message = cbor2.dumps(["Signature1", protected, b"", sr])
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    return size, sr
