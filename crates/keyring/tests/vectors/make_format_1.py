#!/usr/bin/env python3
"""Writes format-1.json: the frozen vectors of docs/keyring-format.md.

This is a second implementation, made from that document alone and in another language, so the vectors do not
merely repeat what the Rust code does. It needs the `cryptography` package and is not part of any build: the
vectors are frozen, and running this again must give the same file.
"""
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


def block(key, data):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def xaes(key, nonce, associated_data, plaintext):
    doubled = int.from_bytes(block(key, bytes(16)), "big") << 1
    if doubled >> 128:
        doubled = (doubled & (1 << 128) - 1) ^ 0b10000111
    mask = doubled.to_bytes(16, "big")
    halves = [bytes([0, count]) + b"X\0" + nonce[:12] for count in (1, 2)]
    derived = b"".join(block(key, bytes(a ^ b for a, b in zip(half, mask))) for half in halves)
    return AESGCM(derived).encrypt(nonce[12:], plaintext, associated_data)


assert xaes(b"\3" * 32, b"ABCDEFGHIJKLMNOPQRSTUVWX", b"c2sp.org/XAES-256-GCM", b"XAES-256-GCM").hex() == \
    "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"


def number(value, length=4):
    return value.to_bytes(length, "big")


def short(text):
    return bytes([len(text)]) + text.encode()


def checksum(record):
    return record + hashlib.sha256(record).digest()[:8]


def pattern(label, length):
    """Bytes that look random and that anybody can make again."""
    return hashlib.shake_128(label.encode()).digest(length)


def envelope(key_id, version, wrapping_key, context, plaintext, data_key, payload_nonce, wrap_nonce):
    binding = b"RKE" + bytes([1, 1]) + short(key_id)
    header = binding + number(version) + payload_nonce
    wrapped_key = xaes(wrapping_key, wrap_nonce, header, data_key)
    place = b"".join(number(len(part.encode()), 8) + part.encode() for part in context)
    ciphertext = AESGCM(data_key).encrypt(payload_nonce, plaintext, binding + place)
    return header + wrap_nonce + wrapped_key + number(len(plaintext)) + ciphertext


KEY_ID = "rota.storage"
WRAPPING_KEYS = {version: pattern(f"wrapping key {version}", 32) for version in (1, 2)}


def good(name, context, plaintext, key_id=KEY_ID):
    data_key = pattern(f"{name}: data key", 32)
    payload_nonce = pattern(f"{name}: payload nonce", 12)
    wraps = {}
    for version, wrapping_key in WRAPPING_KEYS.items():
        wrap_nonce = pattern(f"{name}: wrap nonce {version}", 24)
        sealed = envelope(key_id, version, wrapping_key, context, plaintext, data_key, payload_nonce, wrap_nonce)
        wraps[version] = {"wrap_nonce": wrap_nonce.hex(), "envelope": sealed.hex()}
    return {
        "name": name,
        "key_id": key_id,
        "context": context,
        "plaintext": plaintext.hex(),
        "data_key": data_key.hex(),
        "payload_nonce": payload_nonce.hex(),
        "sealed_by_version_1": wraps[1],
        "rewrapped_by_version_2": wraps[2],
    }


PLACE = ["credential_versions", "0192f0c1-7a00-7000-8000-000000000001", "values"]
GOOD = [
    good("a password", PLACE, b"correct horse battery staple"),
    good("an empty value in an empty context", ["", "", ""], b""),
    good("text beyond ASCII", ["tablé", "行", "поле"], "pässwörd 🔑".encode()),
    good("every byte twice", PLACE, bytes(range(256)) * 2),
    good("the shortest key id", PLACE, b"x", key_id="k"),
    good("the longest key id", PLACE, b"x", key_id="k" * 127),
]
FIRST = bytes.fromhex(GOOD[0]["sealed_by_version_1"]["envelope"])
AT_ALGORITHM, AT_ID_LENGTH, AT_ID = 4, 5, 6
AT_VERSION = AT_ID + len(KEY_ID)
AT_PAYLOAD_NONCE = AT_VERSION + 4
AT_WRAP_NONCE = AT_PAYLOAD_NONCE + 12
AT_WRAPPED_KEY = AT_WRAP_NONCE + 24
AT_LENGTH = AT_WRAPPED_KEY + 48
AT_CIPHERTEXT = AT_LENGTH + 4


def put(offset, replacement, original=None):
    original = FIRST if original is None else original
    return original[:offset] + replacement + original[offset + len(replacement):]


def flip(offset):
    return put(offset, bytes([FIRST[offset] ^ 1]))


OTHER = bytes.fromhex(GOOD[3]["sealed_by_version_1"]["envelope"])
SECOND = bytes.fromhex(GOOD[0]["rewrapped_by_version_2"]["envelope"])
MALFORMED = [
    ("nothing at all", b"", "truncated"),
    ("half of the first three bytes", FIRST[:2], "truncated"),
    ("the first three bytes alone", FIRST[:3], "truncated"),
    ("other first bytes", b"age" + FIRST[3:], "not_ours"),
    ("a record of another kind", b"RKW" + FIRST[3:], "not_ours"),
    ("format 0", put(3, b"\0"), "unknown_format"),
    ("format 2", put(3, b"\2"), "unknown_format"),
    ("algorithm 0", put(AT_ALGORITHM, b"\0"), "unknown_algorithm"),
    ("algorithm 2", put(AT_ALGORITHM, b"\2"), "unknown_algorithm"),
    ("a key id of no length", FIRST[:AT_ID_LENGTH] + b"\0" + FIRST[AT_VERSION:], "invalid_key_id"),
    ("a key id of 128 bytes", FIRST[:AT_ID_LENGTH] + short("k" * 128) + FIRST[AT_VERSION:], "invalid_key_id"),
    ("a key id with a capital", put(AT_ID, b"R"), "invalid_key_id"),
    ("a key id beginning with a dot", put(AT_ID, b"."), "invalid_key_id"),
    ("a key id that is not UTF-8", put(AT_ID, b"\xff"), "invalid_key_id"),
    ("a key id with a zero byte", put(AT_ID + 1, b"\0"), "invalid_key_id"),
    ("a key id longer than what is left", put(AT_ID_LENGTH, b"\xff", FIRST[:200]), "truncated"),
    ("version 0", put(AT_VERSION, number(0)), "invalid_version"),
    ("cut within the version", FIRST[:AT_VERSION + 3], "truncated"),
    ("cut within the wrapped key", FIRST[:AT_LENGTH - 1], "truncated"),
    ("cut before the length", FIRST[:AT_LENGTH], "truncated"),
    ("cut before the ciphertext", FIRST[:AT_CIPHERTEXT], "truncated"),
    ("the last byte is missing", FIRST[:-1], "truncated"),
    ("one byte too many", FIRST + b"\0", "trailing_bytes"),
    ("two envelopes in a row", FIRST + FIRST, "trailing_bytes"),
    ("a length one too small", put(AT_LENGTH, number(27)), "trailing_bytes"),
    ("a length one too large", put(AT_LENGTH, number(29)), "truncated"),
    ("the largest length", put(AT_LENGTH, b"\xff" * 4), "truncated"),
    ("the payload shortened together with its length",
     put(AT_LENGTH, number(27), FIRST[:-1]), "not_authentic"),
    ("base64 instead of bytes", b"UktFAQ==", "not_ours"),
    ("another key's id", put(AT_ID, b"s"), "other_key"),
    ("a version that nobody has", put(AT_VERSION, number(3)), "unknown_version"),
    ("the largest version", put(AT_VERSION, b"\xff" * 4), "unknown_version"),
    ("version 2 written over version 1", put(AT_VERSION, number(2)), "not_authentic"),
    ("a bit of the payload nonce", flip(AT_PAYLOAD_NONCE), "not_authentic"),
    ("a bit of the wrap nonce, first half", flip(AT_WRAP_NONCE), "not_authentic"),
    ("a bit of the wrap nonce, second half", flip(AT_WRAPPED_KEY - 1), "not_authentic"),
    ("a bit of the wrapped key", flip(AT_WRAPPED_KEY), "not_authentic"),
    ("a bit of the wrapped key's tag", flip(AT_LENGTH - 1), "not_authentic"),
    ("a bit of the ciphertext", flip(AT_CIPHERTEXT), "not_authentic"),
    ("a bit of the tag", flip(len(FIRST) - 1), "not_authentic"),
    ("the payload of another envelope", FIRST[:AT_LENGTH] + OTHER[AT_LENGTH:], "not_authentic"),
    ("the wrap of another envelope",
     FIRST[:AT_WRAP_NONCE] + OTHER[AT_WRAP_NONCE:AT_LENGTH] + FIRST[AT_LENGTH:], "not_authentic"),
    ("the wrap by version 2 under the header of version 1",
     FIRST[:AT_WRAP_NONCE] + SECOND[AT_WRAP_NONCE:], "not_authentic"),
]

ROOT_KEY = pattern("root key", 32)


def fingerprint(root_key):
    return hashlib.sha256(b"rota root key fingerprint 1" + root_key).digest()[:16]


def sealed_wrapping_key(root_key, key_id, version, wrapping_key, nonce):
    header = b"RKW" + bytes([1, 1]) + fingerprint(root_key) + short(key_id) + number(version)
    return checksum(header + nonce + xaes(root_key, nonce, header, wrapping_key))


NONCE = pattern("wrapping key nonce", 24)
SEALED_KEY = sealed_wrapping_key(ROOT_KEY, KEY_ID, 1, WRAPPING_KEYS[1], NONCE)
OF_OTHER_ROOT = sealed_wrapping_key(pattern("another root key", 32), KEY_ID, 1, WRAPPING_KEYS[1], NONCE)
# Under the right fingerprint and the right checksum, sealed by a key that is not the root key.
HEADER_LENGTH = 5 + 16 + 1 + len(KEY_ID) + 4
FORGED = checksum(SEALED_KEY[:HEADER_LENGTH] + OF_OTHER_ROOT[HEADER_LENGTH:-8])
SALT = pattern("salt", 16)
PASSPHRASE = "Zugvögel ziehen im Herbst"
COST = {"memory_kib": 19456, "iterations": 2, "lanes": 1}
FROM_PASSPHRASE = Argon2id(salt=SALT, length=32, iterations=COST["iterations"], lanes=COST["lanes"],
                           memory_cost=COST["memory_kib"]).derive(PASSPHRASE.encode())


def passphrase_record(memory_kib, iterations, lanes):
    costs = number(memory_kib) + number(iterations) + number(lanes)
    return checksum(b"RKC" + bytes([1, 1]) + costs + SALT + fingerprint(FROM_PASSPHRASE))


GIVEN_RECORD = checksum(b"RKC" + bytes([1, 0]) + fingerprint(ROOT_KEY))
vectors = {
    "about": "Frozen vectors of docs/keyring-format.md, format 1. Binary values are in hexadecimal. "
             "Made by make_format_1.py; never edit, only add.",
    "wrapping_keys": {str(version): key.hex() for version, key in WRAPPING_KEYS.items()},
    "envelopes": GOOD,
    "malformed_envelopes": {
        "key_id": KEY_ID,
        "context": PLACE,
        "cases": [{"name": name, "error": error, "envelope": data.hex()} for name, data, error in MALFORMED],
    },
    "sealed_wrapping_key": {
        "root_key": ROOT_KEY.hex(),
        "fingerprint": fingerprint(ROOT_KEY).hex(),
        "key_id": KEY_ID,
        "version": 1,
        "nonce": NONCE.hex(),
        "wrapping_key": WRAPPING_KEYS[1].hex(),
        "record": SEALED_KEY.hex(),
        "refused": [
            {"name": name, "error": error, "record": data.hex()} for name, data, error in [
                ("nothing at all", b"", "damaged"),
                ("the last byte is missing", SEALED_KEY[:-1], "damaged"),
                ("one byte too many", SEALED_KEY + b"\0", "damaged"),
                ("a bit of the fingerprint", put(5, bytes([SEALED_KEY[5] ^ 1]), SEALED_KEY), "damaged"),
                ("a bit of the wrapped key", put(70, bytes([SEALED_KEY[70] ^ 1]), SEALED_KEY), "damaged"),
                ("a bit of the checksum", SEALED_KEY[:-1] + bytes([SEALED_KEY[-1] ^ 1]), "damaged"),
                ("an envelope", FIRST, "damaged"),
                ("format 2", checksum(put(3, b"\2", SEALED_KEY)[:-8]), "damaged"),
                ("sealed by another root key", OF_OTHER_ROOT, "wrong_root_key"),
                ("version 2 of the key",
                 sealed_wrapping_key(ROOT_KEY, KEY_ID, 2, WRAPPING_KEYS[2], NONCE), "misplaced"),
                ("another key", sealed_wrapping_key(ROOT_KEY, "other", 1, WRAPPING_KEYS[1], NONCE), "misplaced"),
                ("forged under the right fingerprint and checksum", FORGED, "tampered"),
            ]
        ],
    },
    "root_key_records": {
        "given": {"root_key": ROOT_KEY.hex(), "record": GIVEN_RECORD.hex()},
        "passphrase": {
            "passphrase": PASSPHRASE,
            "salt": SALT.hex(),
            "cost": COST,
            "root_key": FROM_PASSPHRASE.hex(),
            "record": passphrase_record(19456, 2, 1).hex(),
        },
        "damaged": [
            {"name": name, "record": data.hex()} for name, data in [
                ("nothing at all", b""),
                ("the last byte is missing", GIVEN_RECORD[:-1]),
                ("one byte too many", GIVEN_RECORD + b"\0"),
                ("a bit of the fingerprint", put(5, bytes([GIVEN_RECORD[5] ^ 1]), GIVEN_RECORD)),
                ("format 2", checksum(put(3, b"\2", GIVEN_RECORD)[:-8])),
                ("origin 2", checksum(put(4, b"\2", GIVEN_RECORD)[:-8])),
                ("memory of 8 KiB", passphrase_record(8, 2, 1)),
                ("memory of 4 TiB", passphrase_record(0xFFFFFFFF, 2, 1)),
                ("no iterations", passphrase_record(19456, 0, 1)),
                ("33 iterations", passphrase_record(19456, 33, 1)),
                ("no lanes", passphrase_record(19456, 2, 0)),
                ("17 lanes", passphrase_record(19456, 2, 17)),
            ]
        ],
    },
}
path = pathlib.Path(__file__).with_name("format-1.json")
path.write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
