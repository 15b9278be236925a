//! The frozen bytes: every vector of `vectors/format-1.json`, good and malformed.

use crate::randomness::ScriptedRandomness;
use keyring::{
    Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, Malformed, OpenError, OpenWrappingKeyError,
    PassphraseCost, PassphraseSalt, RootKey, RootKeyOrigin, RootKeyRecord, SecretBytes, SecretText,
    WrappingKey, inspect,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/format-1.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const LENGTH: usize>(value: &Value) -> [u8; LENGTH] {
    bytes(value).try_into().unwrap()
}

fn key_material(value: &Value) -> KeyMaterial {
    KeyMaterial::import(&SecretBytes::new(bytes(value))).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn context(value: &Value) -> Context {
    Context::new(text(&value[0]), text(&value[1]), text(&value[2]))
}

fn keyring(vectors: &Value, key_id: &Value, states: [KeyState; 2]) -> Keyring {
    let wrapping_keys = [1, 2].into_iter().zip(states).map(|(number, state)| {
        let material = key_material(&vectors["wrapping_keys"][number.to_string()]);
        WrappingKey::new(KeyVersion::new(number).unwrap(), state, material)
    });
    Keyring::new(KeyId::parse(text(key_id)).unwrap(), wrapping_keys).unwrap()
}

pub(crate) fn error_name(error: &OpenError) -> &'static str {
    match error {
        OpenError::Malformed(Malformed::NotOurs) => "not_ours",
        OpenError::Malformed(Malformed::UnknownFormat(_)) => "unknown_format",
        OpenError::Malformed(Malformed::UnknownAlgorithm(_)) => "unknown_algorithm",
        OpenError::Malformed(Malformed::Truncated) => "truncated",
        OpenError::Malformed(Malformed::TrailingBytes) => "trailing_bytes",
        OpenError::Malformed(Malformed::InvalidKeyId) => "invalid_key_id",
        OpenError::Malformed(Malformed::InvalidVersion) => "invalid_version",
        OpenError::OtherKey { .. } => "other_key",
        OpenError::UnknownVersion { .. } => "unknown_version",
        OpenError::VersionRefused { .. } => "version_refused",
        OpenError::NotAuthentic => "not_authentic",
    }
}

#[test]
fn envelopes_are_sealed_opened_and_rewrapped_byte_for_byte() {
    let vectors = vectors();
    let envelopes = vectors["envelopes"].as_array().unwrap();
    assert_eq!(envelopes.len(), 6);
    for vector in envelopes {
        let name = text(&vector["name"]);
        let context = context(&vector["context"]);
        let first = keyring(
            &vectors,
            &vector["key_id"],
            [KeyState::Active, KeyState::PreActive],
        );
        let second = keyring(
            &vectors,
            &vector["key_id"],
            [KeyState::Deprecated, KeyState::Active],
        );

        let (sealed, rewrapped) = (&vector["sealed_by_version_1"], &vector["rewrapped_by_version_2"]);
        let script = [
            &vector["data_key"],
            &vector["payload_nonce"],
            &sealed["wrap_nonce"],
        ]
        .map(bytes);
        let randomness = ScriptedRandomness::new(script);
        let envelope = first
            .seal(&randomness, &context, &bytes(&vector["plaintext"]))
            .unwrap();
        assert!(randomness.is_used_up());
        assert_eq!(
            hex::encode(envelope.as_bytes()),
            text(&sealed["envelope"]),
            "{name}"
        );

        let randomness = ScriptedRandomness::new([bytes(&rewrapped["wrap_nonce"])]);
        let moved = second.rewrap(&randomness, envelope.as_bytes()).unwrap();
        assert_eq!(
            hex::encode(moved.as_bytes()),
            text(&rewrapped["envelope"]),
            "{name}"
        );

        for bytes_of_either in [envelope, moved] {
            let opened = second.open(&context, bytes_of_either.as_bytes()).unwrap();
            assert_eq!(
                hex::encode(opened.expose_bytes()),
                text(&vector["plaintext"]),
                "{name}"
            );
            let header = inspect(bytes_of_either.as_bytes()).unwrap();
            assert_eq!(header.version, bytes_of_either.version());
            assert_eq!(header.key_id.as_str(), text(&vector["key_id"]));
            assert_eq!(header.plaintext_length as usize, opened.len());
        }
    }
}

#[test]
fn malformed_envelopes_are_refused_by_name() {
    let vectors = vectors();
    let malformed = &vectors["malformed_envelopes"];
    let keyring = keyring(
        &vectors,
        &malformed["key_id"],
        [KeyState::Active, KeyState::Deprecated],
    );
    let context = context(&malformed["context"]);
    let cases = malformed["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 43);
    for case in cases {
        let name = text(&case["name"]);
        let error = keyring.open(&context, &bytes(&case["envelope"])).expect_err(name);
        assert_eq!(error_name(&error), text(&case["error"]), "{name}");
    }
}

#[test]
fn a_wrapping_key_is_sealed_and_opened_byte_for_byte() {
    let vectors = vectors();
    let vector = &vectors["sealed_wrapping_key"];
    let root_key = RootKey::from_bytes(&SecretBytes::new(bytes(&vector["root_key"]))).unwrap();
    let key_id = KeyId::parse(text(&vector["key_id"])).unwrap();
    let material = key_material(&vector["wrapping_key"]);

    let randomness = ScriptedRandomness::new([bytes(&vector["nonce"])]);
    let record = root_key
        .seal_wrapping_key(&randomness, &key_id, KeyVersion::FIRST, &material)
        .unwrap();
    assert_eq!(hex::encode(&record), text(&vector["record"]));

    // The opened key is not shown to anybody; that it is the right one shows in what it opens.
    let opened = root_key
        .open_wrapping_key(&key_id, KeyVersion::FIRST, &record)
        .unwrap();
    let wrapping_key = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, opened);
    let keyring = Keyring::new(key_id, [wrapping_key]).unwrap();
    let envelope = &vectors["envelopes"][0];
    let sealed = bytes(&envelope["sealed_by_version_1"]["envelope"]);
    let plaintext = keyring.open(&context(&envelope["context"]), &sealed).unwrap();
    assert_eq!(
        hex::encode(plaintext.expose_bytes()),
        text(&envelope["plaintext"])
    );
}

#[test]
fn wrapping_keys_that_do_not_open_are_refused_by_name() {
    let vectors = vectors();
    let vector = &vectors["sealed_wrapping_key"];
    let root_key = RootKey::from_bytes(&SecretBytes::new(bytes(&vector["root_key"]))).unwrap();
    let key_id = KeyId::parse(text(&vector["key_id"])).unwrap();
    let cases = vector["refused"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let name = text(&case["name"]);
        let opened = root_key.open_wrapping_key(&key_id, KeyVersion::FIRST, &bytes(&case["record"]));
        let error = match opened.expect_err(name) {
            OpenWrappingKeyError::Damaged(_) => "damaged",
            OpenWrappingKeyError::WrongRootKey(_) => "wrong_root_key",
            OpenWrappingKeyError::Misplaced { .. } => "misplaced",
            OpenWrappingKeyError::Tampered => "tampered",
        };
        assert_eq!(error, text(&case["error"]), "{name}");
    }
}

#[test]
fn root_key_records_read_and_write_byte_for_byte() {
    let vectors = vectors();
    let given = &vectors["root_key_records"]["given"];
    let given_root = RootKey::from_bytes(&SecretBytes::new(bytes(&given["root_key"]))).unwrap();
    let record = RootKeyRecord::new(&given_root, RootKeyOrigin::Given);
    assert_eq!(hex::encode(record.to_bytes()), text(&given["record"]));
    assert_eq!(RootKeyRecord::parse(&bytes(&given["record"])), Ok(record));
    record.check(&given_root).unwrap();

    let passphrase = &vectors["root_key_records"]["passphrase"];
    let cost: PassphraseCost = serde_json::from_value(passphrase["cost"].clone()).unwrap();
    let salt = PassphraseSalt::from_bytes(array(&passphrase["salt"]));
    let secret = SecretText::new(text(&passphrase["passphrase"]).to_owned());
    let derived_root = RootKey::from_passphrase(&secret, &salt, cost).unwrap();
    assert_eq!(
        hex::encode(derived_root.expose_bytes()),
        text(&passphrase["root_key"])
    );
    let record = RootKeyRecord::new(&derived_root, RootKeyOrigin::Passphrase { salt, cost });
    assert_eq!(hex::encode(record.to_bytes()), text(&passphrase["record"]));
    assert_eq!(RootKeyRecord::parse(&bytes(&passphrase["record"])), Ok(record));

    let wrong = record.check(&given_root).unwrap_err();
    assert_eq!(
        (wrong.needed, wrong.given),
        (derived_root.fingerprint(), given_root.fingerprint())
    );
}

#[test]
fn damaged_root_key_records_are_refused() {
    let vectors = vectors();
    let cases = vectors["root_key_records"]["damaged"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        assert!(
            RootKeyRecord::parse(&bytes(&case["record"])).is_err(),
            "{}",
            text(&case["name"])
        );
    }
}
