"""Opens the frozen sealed messages from SEALED.md and RFC 9180 alone."""

import hashlib
import json
import pathlib

import cbor2
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import common
from common import check

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def mac(key, data):
    h = hmac.HMAC(key, hashes.SHA256())
    h.update(data)
    return h.finalize()


def extract(salt, ikm):
    return mac(salt or bytes(32), ikm)


def expand(prk, info, length):
    return mac(prk, info + b"\x01")[:length]


def lextract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def lexpand(suite, prk, label, info, length):
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def derive(seed):
    return X25519PrivateKey.from_private_bytes(
        lexpand(KEM, lextract(KEM, b"", b"dkp_prk", seed), b"sk", b"", 32))


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def context(private, enc, info):
    dh = private.exchange(X25519PublicKey.from_public_bytes(enc))
    shared = lexpand(KEM, lextract(KEM, b"", b"eae_prk", dh), b"shared_secret", enc + raw(private), 32)
    ctx = (b"\0" + lextract(SUITE, b"", b"psk_id_hash", b"")
           + lextract(SUITE, b"", b"info_hash", info))
    secret = lextract(SUITE, shared, b"secret", b"")
    return [lexpand(SUITE, secret, label, ctx, length)
            for label, length in ((b"key", 32), (b"base_nonce", 12), (b"exp", 32))]


def unpad(padded):
    length = int.from_bytes(padded[:4], "big")
    check("zeros fill the size class", not any(padded[4 + length:]))
    check("the size class is a power of two", len(padded) & (len(padded) - 1) == 0 and len(padded) >= 1024)
    return cbor2.loads(padded[4:4 + length])


def run(folder):
    v = json.loads((folder / "sealed.json").read_text())
    b = lambda name: bytes.fromhex(v[name])
    key = derive(b("recipient_seed"))
    keys = [{1: 1, 3: -8, -1: 6, -2: b("signer")}, {1: 1, 3: -65537, -1: 4, -2: raw(key)}]
    check("key set", cbor2.dumps(keys) == b("key_set"))
    key_set_hash = hashlib.sha256(b"probity/v1/key-set\0" + b("key_set")).digest()
    version, named, enc, ciphertext = cbor2.loads(b("request"))
    check("request head", (version, named) == (1, key_set_hash))
    check("enc is the ephemeral public key", enc == raw(derive(b("ephemeral_seed"))))
    aead, nonce, exporter = context(key, enc, b"probity/v1/sealed-request\0" + key_set_hash)
    plain = AESGCM(aead).decrypt(nonce, ciphertext, cbor2.dumps([1, key_set_hash, enc]))
    check("request", unpad(plain) == [v["expires_at"], b("body")])
    secret = lexpand(SUITE, exporter, b"sec", b"probity/v1/sealed-reply", 32)
    expected = {"reply_decided": [0, bytes([8] * 32), bytes([9] * 32), [bytes([1, 2, 3])]],
                "reply_refused": [1, 0, "transaction.amount", "it is missing"]}
    for name, content in expected.items():
        version, reply_nonce, ciphertext = cbor2.loads(b(name))
        check("reply head", (version, reply_nonce) == (1, b("reply_nonce")))
        prk = extract(enc + reply_nonce, secret)
        plain = AESGCM(expand(prk, b"key", 32)).decrypt(
            expand(prk, b"nonce", 12), ciphertext, cbor2.dumps([1, reply_nonce]))
        check(name, unpad(plain) == content)


if __name__ == "__main__":
    run(pathlib.Path(__file__).parents[2] / "shared/seal/vectors")
    print(f"sealed: {common.count()} checks")
