//! SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677) in the form PostgreSQL stores, computed here so that no password
//! crosses the wire or stands in a statement log.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Randomness;
use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use hmac::{Hmac, Mac};
use keyring::SecretText;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// PostgreSQL's own default.
const ITERATIONS: u32 = 4096;

/// A password as SCRAM hashes it: SASLprep (RFC 4013), or as it stands where that refuses, as PostgreSQL does.
pub(super) fn prepared(password: &str) -> Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password))
}

/// `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`
pub(super) fn verifier(
    password: &SecretText,
    randomness: &(dyn Randomness + Send + Sync),
) -> Result<String, ConnectorError> {
    if password.is_empty() || password.expose_text().contains('\0') {
        return Err(ConnectorError::new(
            ErrorClass::Policy,
            "PostgreSQL takes no password that is empty or holds a zero byte",
        ));
    }
    let mut salt = [0_u8; 16];
    randomness.fill(&mut salt);
    Ok(verifier_with(password, &salt, ITERATIONS))
}

fn verifier_with(password: &SecretText, salt: &[u8], iterations: u32) -> String {
    let prepared_password = prepared(password.expose_text());
    let salted_password = salted(prepared_password.as_bytes(), salt, iterations);
    let client_key = authenticate(&*salted_password, &[b"Client Key"]);
    let stored_key = Sha256::digest(*client_key);
    let server_key = authenticate(&*salted_password, &[b"Server Key"]);
    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(*server_key)
    )
}

/// `Hi()` of RFC 5802: PBKDF2 with one block.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<[u8; 32]> {
    let mut round = authenticate(password, &[salt, &1_u32.to_be_bytes()]);
    let mut result = round.clone();
    for _ in 1..iterations {
        round = authenticate(password, &[&*round]);
        for (sum, byte) in result.iter_mut().zip(round.iter()) {
            *sum ^= byte;
        }
    }
    result
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // HMAC takes keys of every length; the fallback keeps this free of panics.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::new([0; 32]);
    };
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 section 3: from its exchange, StoredKey and ServerKey must give its proof and its signature.
    #[test]
    fn it_agrees_with_rfc_7677() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = verifier_with(&SecretText::new("pencil".to_owned()), &salt, 4096);
        let (stored_key, server_key) = verifier.rsplit_once('$').unwrap().1.split_once(':').unwrap();
        let exchange = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server_signature = authenticate(&STANDARD.decode(server_key).unwrap(), &[exchange]);
        assert_eq!(
            STANDARD.encode(*server_signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let stored_key = STANDARD.decode(stored_key).unwrap();
        let client_signature = authenticate(&stored_key, &[exchange]);
        let proof = STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let client_key: Vec<u8> = proof
            .iter()
            .zip(client_signature.iter())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(Sha256::digest(client_key).as_slice(), stored_key);
    }

    #[test]
    fn passwords_are_prepared_as_postgresql_does() {
        assert_eq!(prepared("I\u{ad}X"), "IX");
        assert_eq!(prepared("\u{2168}"), "IX");
        assert_eq!(
            prepared("two\nlines"),
            "two\nlines",
            "refused by SASLprep, so taken as it stands"
        );
    }
}
