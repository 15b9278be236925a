//! Passwords of people: Argon2id (RFC 9106), kept as PHC strings.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use keyring::{Randomness, SecretText};

use crate::rule::RuleError;

/// 19 MiB, two passes, one lane: what OWASP asks for at least.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;

/// NIST SP 800-63B: a password that is the only factor has at least 15 characters, and no other rule.
pub const SHORTEST: usize = 15;
/// Longer ones only cost time.
pub const LONGEST: usize = 1_024;

/// The hash could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

/// The rule a new password breaks, if any.
pub fn broken_rule(pointer: &str, password: &SecretText) -> Option<RuleError> {
    let length = password.expose_text().chars().count();
    if length < SHORTEST {
        let detail = format!("must have at least {SHORTEST} characters; a sentence is easy to remember");
        return Some(RuleError::new(pointer, detail));
    }
    if password.len() > LONGEST {
        return Some(RuleError::new(
            pointer,
            format!("must have at most {LONGEST} bytes"),
        ));
    }
    None
}

/// Hashes a password with a fresh salt.
///
/// # Errors
/// When the machine has no memory for it.
pub fn hash(password: &SecretText, randomness: &dyn Randomness) -> Result<String, HashFailed> {
    let mut salt = [0; 16];
    randomness.fill(&mut salt);
    hash_with_salt(password, &salt)
}

/// Whether a password is the one that was hashed. Without a hash, or with one that does not read, it takes the same
/// time and is never right: so nobody learns from the time which accounts exist.
pub fn verify(password: &SecretText, stored: Option<&str>) -> bool {
    // Beyond the limit nothing was ever accepted, and hashing it would let a stranger choose our cost.
    let candidate = if password.len() > LONGEST {
        ""
    } else {
        password.expose_text()
    };
    let Some(parsed) = stored.and_then(|stored| PasswordHash::new(stored).ok()) else {
        let spent = hash_with_salt(&SecretText::new(candidate.to_owned()), &[0; 16]);
        std::hint::black_box(spent.is_ok());
        return false;
    };
    let is_right = hasher().is_ok_and(|hasher| hasher.verify_password(candidate.as_bytes(), &parsed).is_ok());
    is_right && password.len() <= LONGEST
}

fn hash_with_salt(password: &SecretText, salt: &[u8]) -> Result<String, HashFailed> {
    let salt = SaltString::encode_b64(salt).map_err(|_| HashFailed)?;
    let hashed = hasher()?.hash_password(password.expose_text().as_bytes(), &salt);
    Ok(hashed.map_err(|_| HashFailed)?.to_string())
}

fn hasher() -> Result<Argon2<'static>, HashFailed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(|_| HashFailed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(password: &str) -> SecretText {
        SecretText::new(password.to_owned())
    }

    #[test]
    fn only_the_password_that_was_hashed_is_right() {
        let stored = hash_with_salt(&text("correct horse battery"), &[7; 16]).expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(&text("correct horse battery"), Some(&stored)));
        assert!(!verify(&text("correct horse batterz"), Some(&stored)));
        assert!(!verify(&text("correct horse battery"), None));
        assert!(!verify(&text("correct horse battery"), Some("not a hash")));
        assert!(!verify(&text(&"x".repeat(LONGEST + 1)), Some(&stored)));
    }

    #[test]
    fn a_password_has_a_length_and_no_other_rule() {
        assert!(broken_rule("/password", &text("fourteen chars")).is_some());
        assert!(broken_rule("/password", &text("fifteen chars !")).is_none());
        assert!(broken_rule("/password", &text(&"ü".repeat(LONGEST / 2 + 1))).is_some());
    }
}
