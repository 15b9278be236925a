//! The frozen bytes of the algorithms that came later: every vector of `vectors/format-1-algorithms.json`.

use crate::format::error_name;
use crate::randomness::ScriptedRandomness;
use keyring::{
    Algorithm, Context, ImportKeyPair, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, MacRing, OpenError,
    SecretBytes, SigningRing, Tag, Transfer, VersionedKey, inspect, inspect_tag, wrap_for_transfer,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/format-1-algorithms.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn items(value: &Value, expected: usize) -> &[Value] {
    let items = value.as_array().unwrap();
    assert_eq!(items.len(), expected);
    items
}

fn algorithm(vector: &Value) -> Algorithm {
    text(&vector["algorithm"]).parse().unwrap()
}

fn key_id(vectors: &Value) -> KeyId {
    KeyId::parse(text(&vectors["key_id"])).unwrap()
}

fn material(value: &Value) -> KeyMaterial {
    KeyMaterial::import(&SecretBytes::new(bytes(value))).unwrap()
}

fn keys(vectors: &Value, states: [KeyState; 2]) -> Vec<VersionedKey> {
    (1..)
        .zip(states)
        .map(|(number, state): (u32, _)| {
            let material = material(&vectors["keys"][number.to_string()]);
            VersionedKey::new(KeyVersion::new(number).unwrap(), state, material)
        })
        .collect()
}

/// A text is a caller's words; three of them are a place.
fn context(value: &Value) -> Context {
    match value.as_array() {
        Some(parts) => Context::new(text(&parts[0]), text(&parts[1]), text(&parts[2])),
        None => Context::of_caller(text(value)),
    }
}

/// What signs or authenticates under an algorithm.
fn make(vectors: &Value, algorithm: Algorithm, states: [KeyState; 2], message: &[u8]) -> Tag {
    let (key_id, keys) = (key_id(vectors), keys(vectors, states));
    match algorithm {
        Algorithm::HmacSha256 => MacRing::new(key_id, keys).unwrap().mac(message).unwrap(),
        _ => SigningRing::new(key_id, algorithm, keys)
            .unwrap()
            .sign(message)
            .unwrap(),
    }
}

fn verify(
    vectors: &Value,
    algorithm: Algorithm,
    message: &[u8],
    tag: &[u8],
) -> Result<KeyVersion, OpenError> {
    let (key_id, keys) = (
        key_id(vectors),
        keys(vectors, [KeyState::Active, KeyState::Deprecated]),
    );
    match algorithm {
        Algorithm::HmacSha256 => MacRing::new(key_id, keys).unwrap().verify(message, tag),
        _ => SigningRing::new(key_id, algorithm, keys)
            .unwrap()
            .verify(message, tag),
    }
}

#[test]
fn envelopes_are_sealed_opened_and_rewrapped_byte_for_byte() {
    let vectors = vectors();
    for vector in items(&vectors["envelopes"], 12) {
        let (name, algorithm, context) = (
            text(&vector["name"]),
            algorithm(vector),
            context(&vector["context"]),
        );
        let keyring =
            |states| Keyring::with_algorithm(key_id(&vectors), algorithm, keys(&vectors, states)).unwrap();
        let first = keyring([KeyState::Active, KeyState::PreActive]);
        let second = keyring([KeyState::Deprecated, KeyState::Active]);
        let (sealed, rewrapped) = (&vector["sealed_by_version_1"], &vector["rewrapped_by_version_2"]);

        let script = [
            &vector["data_key"],
            &vector["payload_nonce"],
            &sealed["wrap_nonce"],
        ]
        .map(bytes);
        let randomness = ScriptedRandomness::new(script);
        let plaintext = bytes(&vector["plaintext"]);
        let envelope = first.seal(&randomness, &context, &plaintext).unwrap();
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

        for either in [envelope, moved] {
            let opened = second.open(&context, either.as_bytes()).unwrap();
            assert_eq!(opened.expose_bytes(), plaintext, "{name}");
            assert_eq!(inspect(either.as_bytes()).unwrap().algorithm, algorithm, "{name}");
        }
    }
}

#[test]
fn tags_are_made_and_verified_byte_for_byte() {
    let vectors = vectors();
    for vector in items(&vectors["tags"], 18) {
        let (algorithm, message, tag) = (
            algorithm(vector),
            bytes(&vector["message"]),
            bytes(&vector["tag"]),
        );
        let version = u32::try_from(vector["version"].as_u64().unwrap()).unwrap();
        let states = if version == 1 {
            [KeyState::Active, KeyState::PreActive]
        } else {
            [KeyState::Deprecated, KeyState::Active]
        };
        let made = make(&vectors, algorithm, states, &message);
        assert_eq!(hex::encode(made.as_bytes()), hex::encode(&tag), "{algorithm}");
        let verified = verify(&vectors, algorithm, &message, &tag).unwrap();
        assert_eq!(verified.number(), version);
        let header = inspect_tag(&tag).unwrap();
        assert_eq!((header.algorithm, header.version.number()), (algorithm, version));
        assert_eq!(header.key_id, key_id(&vectors));
    }
}

#[test]
fn malformed_tags_are_refused_by_name() {
    let vectors = vectors();
    let malformed = &vectors["malformed_tags"];
    let message = bytes(&malformed["message"]);
    for case in items(&malformed["cases"], 48) {
        let (name, algorithm) = (text(&case["name"]), algorithm(case));
        let error = verify(&vectors, algorithm, &message, &bytes(&case["tag"])).expect_err(name);
        assert_eq!(error_name(&error), text(&case["error"]), "{algorithm}, {name}");
    }
}

#[test]
fn public_keys_are_written_byte_for_byte() {
    let vectors = vectors();
    for vector in items(&vectors["public_keys"], 4) {
        let algorithm = algorithm(vector);
        let keys = keys(&vectors, [KeyState::Deprecated, KeyState::Active]);
        let ring = SigningRing::new(key_id(&vectors), algorithm, keys).unwrap();
        let number = u32::try_from(vector["version"].as_u64().unwrap()).unwrap();
        let public = ring.public_key(KeyVersion::new(number).unwrap()).unwrap();
        assert_eq!(public.raw(), bytes(&vector["raw"]));
        assert_eq!(public.spki_der(), bytes(&vector["spki_der"]));
        assert_eq!(public.spki_pem(), text(&vector["spki_pem"]));
    }
}

#[test]
fn keys_are_wrapped_and_unwrapped_byte_for_byte() {
    let vectors = vectors();
    for vector in items(&vectors["transfers"], 4) {
        let name = KeyId::parse(text(&vector["name"])).unwrap();
        let transfer = Transfer {
            algorithm: algorithm(vector),
            name: &name,
        };
        assert_eq!(transfer.info(), text(&vector["info"]));
        let pair = ImportKeyPair::from_bytes(&SecretBytes::new(bytes(&vector["private_key"]))).unwrap();
        assert_eq!(hex::encode(pair.public_key()), text(&vector["public_key"]));
        let opened = pair.unwrap(transfer, &bytes(&vector["wrapped"])).unwrap();
        assert_eq!(hex::encode(opened.expose_bytes()), text(&vector["key"]));
        let randomness = ScriptedRandomness::new([bytes(&vector["ephemeral_material"])]);
        let wrapped = wrap_for_transfer(
            &randomness,
            &pair.public_key(),
            transfer,
            &material(&vector["key"]),
        );
        assert_eq!(hex::encode(wrapped.unwrap()), text(&vector["wrapped"]));
        assert!(randomness.is_used_up());
    }
}
