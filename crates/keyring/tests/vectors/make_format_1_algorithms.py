#!/usr/bin/env python3
"""Writes format-1-algorithms.json: the frozen vectors for the algorithms that came after the first one.

Like make_format_1.py, and with its functions: a second implementation, made from docs/keyring-format.md alone.
It needs the `cryptography` package, 46 or later, and is not part of any build.
"""
import hashlib
import hmac
import json
import pathlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV, ChaCha20Poly1305

# The functions of the first script, without what it writes.
SOURCE = pathlib.Path(__file__).with_name("make_format_1.py").read_text(encoding="utf-8")
exec(re.split(r"^KEY_ID = ", SOURCE, flags=re.M)[0])

KEY_ID = "0192f0c1-7a00-7000-8000-000000000001"
VERSIONS = {version: pattern(f"algorithms: key {version}", 32) for version in (1, 2)}
PAYLOADS = {"aes256-gcm": (1, AESGCM), "aes256-gcm-siv": (2, AESGCMSIV), "chacha20-poly1305": (3, ChaCha20Poly1305)}
TAGS = {"hmac-sha256": (b"RKM", 4), "ed25519": (b"RKS", 5), "ecdsa-p256": (b"RKS", 6)}


def place(context):
    if isinstance(context, str):
        return b"\xff" * 8 + context.encode()
    return b"".join(number(len(part.encode()), 8) + part.encode() for part in context)


def seal(algorithm, version, context, plaintext, data_key, payload_nonce, wrap_nonce):
    code, cipher = PAYLOADS[algorithm]
    binding = b"RKE" + bytes([1, code]) + short(KEY_ID)
    header = binding + number(version) + payload_nonce
    wrapped_key = xaes(VERSIONS[version], wrap_nonce, header, data_key)
    ciphertext = cipher(data_key).encrypt(payload_nonce, plaintext, binding + place(context))
    return header + wrap_nonce + wrapped_key + number(len(plaintext)) + ciphertext


def envelope_vector(algorithm, name, context, plaintext):
    label = f"{algorithm}, {name}"
    data_key, payload_nonce = pattern(f"{label}: data key", 32), pattern(f"{label}: payload nonce", 12)
    wraps = {}
    for version in VERSIONS:
        wrap_nonce = pattern(f"{label}: wrap nonce {version}", 24)
        sealed = seal(algorithm, version, context, plaintext, data_key, payload_nonce, wrap_nonce)
        wraps[version] = {"wrap_nonce": wrap_nonce.hex(), "envelope": sealed.hex()}
    return {"name": label, "algorithm": algorithm, "context": context, "plaintext": plaintext.hex(),
            "data_key": data_key.hex(), "payload_nonce": payload_nonce.hex(),
            "sealed_by_version_1": wraps[1], "rewrapped_by_version_2": wraps[2]}


ENVELOPES = [envelope_vector(algorithm, name, context, plaintext)
             for algorithm in PAYLOADS
             for name, context, plaintext in [
                 ("a password in a place", ["credential_versions", "7", "values"], b"correct horse battery staple"),
                 ("a caller's words", "tenant 7, invoice 12", "pässwörd 🔑".encode()),
                 ("an empty value, no words", "", b""),
                 ("every byte twice", "bytes", bytes(range(256)) * 2)]]


def sign(algorithm, material, message):
    if algorithm == "hmac-sha256":
        return hmac.digest(material, message, "sha256")
    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(material).sign(message)
    private = ec.derive_private_key(int.from_bytes(material, "big"), ec.SECP256R1())
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return number(r, 32) + number(s, 32)


def public_key(algorithm, material):
    if algorithm == "ed25519":
        public = ed25519.Ed25519PrivateKey.from_private_bytes(material).public_key()
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        public = ec.derive_private_key(int.from_bytes(material, "big"), ec.SECP256R1()).public_key()
        raw = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return {"raw": raw.hex(), "spki_der": public.public_bytes(serialization.Encoding.DER, spki).hex(),
            "spki_pem": public.public_bytes(serialization.Encoding.PEM, spki).decode()}


def tag(algorithm, version, raw):
    kind, code = TAGS[algorithm]
    return kind + bytes([1, code]) + short(KEY_ID) + number(version) + raw


TAG_VECTORS = [{"algorithm": algorithm, "version": version, "message": message.hex(),
                "tag": tag(algorithm, version, sign(algorithm, VERSIONS[version], message)).hex()}
               for algorithm in TAGS for version in VERSIONS
               for message in (b"", b"message", bytes(range(256)))]
MESSAGE = b"message"


def malformed(algorithm):
    good = tag(algorithm, 1, sign(algorithm, VERSIONS[1], MESSAGE))
    at_version = 6 + len(KEY_ID)

    def put(offset, replacement):
        return good[:offset] + replacement + good[offset + len(replacement):]

    return [{"algorithm": algorithm, "name": name, "tag": data.hex(), "error": error} for name, data, error in [
        ("nothing at all", b"", "truncated"),
        ("an envelope", b"RKE" + good[3:], "not_ours"),
        ("the other kind of tag", (b"RKS" if good[:3] == b"RKM" else b"RKM") + good[3:], "not_ours"),
        ("format 2", put(3, b"\2"), "unknown_format"),
        ("an algorithm that encrypts", put(4, b"\1"), "unknown_algorithm"),
        ("an algorithm that nobody has", put(4, b"\7"), "unknown_algorithm"),
        ("a key id of no length", good[:5] + b"\0" + good[at_version:], "invalid_key_id"),
        ("another key's id", put(6, b"1"), "other_key"),
        ("version 0", put(at_version, number(0)), "invalid_version"),
        ("a version that nobody has", put(at_version, number(3)), "unknown_version"),
        ("version 2 written over version 1", put(at_version, number(2)), "not_authentic"),
        ("the last byte is missing", good[:-1], "truncated"),
        ("one byte too many", good + b"\0", "trailing_bytes"),
        ("a bit of the first byte", put(at_version + 4, bytes([good[at_version + 4] ^ 1])), "not_authentic"),
        ("a bit of the last byte", good[:-1] + bytes([good[-1] ^ 1]), "not_authentic"),
        ("zeros", good[:at_version + 4] + bytes(len(good) - at_version - 4), "not_authentic"),
    ]]


# RFC 9180, written from its text.
def extract(salt, key):
    return hmac.digest(salt, key, "sha256")


def expand(key, info, length):
    assert length <= 32
    return hmac.digest(key, info + b"\1", "sha256")[:length]


def labeled_extract(suite, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite + label + key)


def labeled_expand(suite, key, label, info, length):
    return expand(key, number(length, 2) + b"HPKE-v1" + suite + label + info, length)


KEM = b"KEM" + number(0x20, 2)


def raw_public(private):
    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def derive_key_pair(material):
    prk = labeled_extract(KEM, b"", b"dkp_prk", material)
    return x25519.X25519PrivateKey.from_private_bytes(labeled_expand(KEM, prk, b"sk", b"", 32))


def hpke_seal(aead, key_length, ephemeral_material, receiver, info, plaintext, associated_data):
    ephemeral = derive_key_pair(ephemeral_material)
    encapsulated = raw_public(ephemeral)
    shared = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(receiver))
    prk = labeled_extract(KEM, b"", b"eae_prk", shared)
    secret = labeled_expand(KEM, prk, b"shared_secret", encapsulated + receiver, 32)
    suite = b"HPKE" + number(0x20, 2) + number(1, 2) + number(aead, 2)
    context = (b"\0" + labeled_extract(suite, b"", b"psk_id_hash", b"")
               + labeled_extract(suite, b"", b"info_hash", info))
    schedule = labeled_extract(suite, secret, b"secret", b"")
    key = labeled_expand(suite, schedule, b"key", context, key_length)
    nonce = labeled_expand(suite, schedule, b"base_nonce", context, 12)
    return encapsulated + AESGCM(key).encrypt(nonce, plaintext, associated_data)


# RFC 9180, appendix A.1.1: the same functions with AES-128-GCM give what is printed there.
assert hpke_seal(
    1, 16, bytes.fromhex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234"),
    bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"),
    bytes.fromhex("4f6465206f6e2061204772656369616e2055726e"),
    bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479"),
    bytes.fromhex("436f756e742d30")).hex() == (
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a")


def transfer(algorithm, name):
    private = pattern(f"transfer: private key of the receiver of {name}", 32)
    ephemeral = pattern(f"transfer: ephemeral material for {name}", 32)
    material = pattern(f"transfer: {name}", 32)
    public = raw_public(x25519.X25519PrivateKey.from_private_bytes(private))
    info = f"rota key transfer 1:{algorithm}:{name}"
    wrapped = hpke_seal(2, 32, ephemeral, public, info.encode(), material, b"")
    return {"algorithm": algorithm, "name": name, "info": info, "private_key": private.hex(),
            "public_key": public.hex(), "ephemeral_material": ephemeral.hex(), "key": material.hex(),
            "wrapped": wrapped.hex()}


vectors = {
    "about": "Frozen vectors of docs/keyring-format.md, format 1, the algorithms that came later. Binary values "
             "are in hexadecimal. Made by make_format_1_algorithms.py; never edit, only add.",
    "key_id": KEY_ID,
    "keys": {str(version): key.hex() for version, key in VERSIONS.items()},
    "envelopes": ENVELOPES,
    "tags": TAG_VECTORS,
    "malformed_tags": {"message": MESSAGE.hex(),
                       "cases": [case for algorithm in TAGS for case in malformed(algorithm)]},
    "public_keys": [{"algorithm": algorithm, "version": version} | public_key(algorithm, VERSIONS[version])
                    for algorithm in ("ed25519", "ecdsa-p256") for version in VERSIONS],
    "transfers": [transfer("aes256-gcm", "orders"), transfer("ed25519", "release-signing"),
                  transfer("ecdsa-p256", "tokens"), transfer("hmac-sha256", "webhooks")],
}
path = pathlib.Path(__file__).with_name("format-1-algorithms.json")
path.write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
