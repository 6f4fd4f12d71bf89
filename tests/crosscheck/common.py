"""Counting checks, hashes and deterministic CBOR, for the parts of the cross-check."""

import hashlib
import io
import sys

import cbor2

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
passed = 0


def check(name, truth):
    global passed
    if not truth:
        sys.exit(f"FAILED: {name}")
    passed += 1


def count():
    return passed


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


def checkpoint_bytes(boot_id, size, tree_root):
    return b"probity/v1/checkpoint\0" + boot_id + size.to_bytes(8, "big") + tree_root
