//! A root key in shares: Shamir's scheme over GF(2^8), the field of AES, byte by byte.
//!
//! Written here because the crates for it look tables up by secret bytes, or bring a curve library; this is some
//! eighty lines of arithmetic whose running time does not depend on what is computed, tested by published vectors.
//! Every coefficient is uniform over the whole field, zero included: leaving values out lets shares leak.

use keyring::{Randomness, RootKey, RootKeyOrigin, RootKeyRecord, SecretBytes, SecretText};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::rule::RuleError;

/// More shares than this nobody keeps track of.
pub const MOST_SHARES: u8 = 32;
const SCHEME: &str = "rota-share-1";
const SECRET_LENGTH: usize = RootKey::LENGTH;
const SET_LENGTH: usize = 4;

/// One share. Alone, or with fewer than the threshold, it tells nothing about the key.
#[derive(Debug)]
pub struct Share {
    set: [u8; SET_LENGTH],
    index: u8,
    value: SecretBytes,
}

/// What is stored about a set of shares: enough to name a wrong one, nothing to make one from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareSet {
    /// Every share of the set names it.
    pub id: String,
    pub threshold: u8,
    pub shares: u8,
    /// The record of the key itself, in hexadecimal.
    key: String,
    /// A hash of each share, in order, in hexadecimal.
    checks: Vec<String>,
}

/// Why a share does not count. Says nothing of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShare {
    /// Not a share at all, or mistyped.
    #[error(
        "this is no whole share: a share is one line that starts with `rota-share-1.`; its last part shows that a \
         character is wrong or missing"
    )]
    Mistyped,
    /// Of another set.
    #[error(
        "this share is of set {given}, and set {needed} is needed: it was made before the shares were last reissued, or for another installation"
    )]
    OtherSet { given: String, needed: String },
    /// Well formed, and not one of those that were given out.
    #[error("share {index} of set {set} is not the one that was given out")]
    Forged { index: u8, set: String },
}

impl ShareSet {
    /// Splits a root key.
    ///
    /// # Errors
    /// With the numbers that make no sense.
    pub fn split(
        root_key: &RootKey,
        threshold: u8,
        shares: u8,
        randomness: &dyn Randomness,
    ) -> Result<(Self, Vec<Share>), Vec<RuleError>> {
        check_numbers(threshold, shares)?;
        let mut set = [0; SET_LENGTH];
        randomness.fill(&mut set);
        let made: Vec<Share> = split(root_key.expose_bytes(), threshold, shares, randomness)
            .into_iter()
            .zip(1..)
            .map(|(value, index)| Share { set, index, value })
            .collect();
        let record = RootKeyRecord::new(root_key, RootKeyOrigin::Given);
        let described = Self {
            id: hex::encode(set),
            threshold,
            shares,
            key: hex::encode(record.to_bytes()),
            checks: made.iter().map(Share::check).collect(),
        };
        Ok((described, made))
    }

    /// Whether a share is one of this set.
    ///
    /// # Errors
    /// With why not.
    pub fn check(&self, share: &Share) -> Result<(), InvalidShare> {
        let given = hex::encode(share.set);
        if given != self.id {
            let needed = self.id.clone();
            return Err(InvalidShare::OtherSet { given, needed });
        }
        let expected = self.checks.get(usize::from(share.index).wrapping_sub(1));
        if expected.is_some_and(|check| *check == share.check()) {
            Ok(())
        } else {
            let index = share.index;
            Err(InvalidShare::Forged { index, set: given })
        }
    }

    /// The root key, from as many different checked shares as the threshold asks for.
    pub fn combine(&self, shares: &[&Share]) -> Option<RootKey> {
        let points: Vec<(u8, &[u8])> = shares
            .iter()
            .map(|share| (share.index, share.value.expose_bytes()))
            .collect();
        let root_key = RootKey::from_bytes(&combine(&points)).ok()?;
        let record = RootKeyRecord::parse(&hex::decode(&self.key).ok()?).ok()?;
        record.check(&root_key).ok()?;
        Some(root_key)
    }
}

fn check_numbers(threshold: u8, shares: u8) -> Result<(), Vec<RuleError>> {
    let mut broken = Vec::new();
    if threshold < 2 {
        broken.push(RuleError::new(
            "/threshold",
            "at least 2: a single share would be the key itself",
        ));
    }
    if shares < threshold || shares > MOST_SHARES {
        let detail = format!("as many as the threshold at least, and at most {MOST_SHARES}");
        broken.push(RuleError::new("/shares", detail));
    }
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

impl Share {
    /// Its number within the set, from 1.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// The set it names.
    pub fn set(&self) -> String {
        hex::encode(self.set)
    }

    /// The share as one line, for the one person who keeps it.
    pub fn expose_line(&self) -> SecretText {
        let value = Zeroizing::new(hex::encode(self.value.expose_bytes()));
        let (set, index, sum) = (hex::encode(self.set), self.index, self.sum());
        SecretText::new(format!("{SCHEME}.{set}.{index}.{}.{sum}", value.as_str()))
    }

    /// Reads a share as somebody typed it: spaces and capitals do not matter.
    ///
    /// # Errors
    /// [`InvalidShare::Mistyped`].
    pub fn parse(line: &SecretText) -> Result<Self, InvalidShare> {
        // Room for all of it from the start, so that growing leaves no copies behind.
        let mut typed = Zeroizing::new(String::with_capacity(line.len()));
        typed.extend(
            line.expose_text()
                .chars()
                .filter(|c| !c.is_whitespace())
                .map(|c| c.to_ascii_lowercase()),
        );
        let rest = typed.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix('.'));
        Self::of_parts(rest.ok_or(InvalidShare::Mistyped)?).ok_or(InvalidShare::Mistyped)
    }

    fn of_parts(rest: &str) -> Option<Self> {
        let mut parts = rest.split('.');
        let (set, index, value, sum) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let mut share = Self {
            set: [0; SET_LENGTH],
            index: index
                .parse()
                .ok()
                .filter(|index| (1..=MOST_SHARES).contains(index))?,
            value: SecretBytes::new(hex::decode(value).ok()?),
        };
        hex::decode_to_slice(set, &mut share.set).ok()?;
        let is_whole = share.value.len() == SECRET_LENGTH && share.sum() == sum && parts.next().is_none();
        is_whole.then_some(share)
    }

    /// What shows a mistyped character.
    fn sum(&self) -> String {
        hex::encode(&self.hash(b"rota share sum 1")[..4])
    }

    /// What the store keeps. The value has 256 random bits, so nobody finds it by trying.
    fn check(&self) -> String {
        hex::encode(&self.hash(b"rota share check 1")[..16])
    }

    fn hash(&self, purpose: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(purpose);
        hasher.update(self.set);
        hasher.update([self.index]);
        hasher.update(self.value.expose_bytes());
        hasher.finalize().into()
    }
}

/// One value for each x = 1, 2 … `shares`: a random polynomial for every byte, the byte itself at x = 0.
fn split(secret: &[u8], threshold: u8, shares: u8, randomness: &dyn Randomness) -> Vec<SecretBytes> {
    let mut coefficients = Zeroizing::new(vec![0; secret.len() * usize::from(threshold - 1)]);
    randomness.fill(&mut coefficients);
    let value_at = |x: u8| {
        let bytes = secret.iter().enumerate().map(|(position, byte)| {
            let higher = coefficients.iter().skip(position).step_by(secret.len());
            // Horner, from the highest coefficient down to the secret byte.
            let sum = higher
                .rev()
                .fold(0, |sum, coefficient| multiply(sum ^ coefficient, x));
            sum ^ byte
        });
        SecretBytes::new(bytes.collect())
    };
    (1..=shares).map(value_at).collect()
}

/// The polynomial's value at x = 0 (Lagrange). The x are different and not zero; they are not secret.
fn combine(points: &[(u8, &[u8])]) -> SecretBytes {
    let length = points.iter().map(|(_, value)| value.len()).min().unwrap_or(0);
    let mut secret = vec![0; length];
    for (x, value) in points {
        let others = points.iter().filter(|(other, _)| other != x);
        let weight = others.fold(1, |weight, (other, _)| {
            multiply(weight, multiply(*other, inverse(other ^ x)))
        });
        for (byte, part) in secret.iter_mut().zip(*value) {
            *byte ^= multiply(*part, weight);
        }
    }
    SecretBytes::new(secret)
}

/// Multiplication modulo x^8 + x^4 + x^3 + x + 1, in the same time for all operands.
fn multiply(left: u8, right: u8) -> u8 {
    let (mut left, mut right, mut product) = (left, right, 0);
    for _ in 0..8 {
        product ^= left & (right & 1).wrapping_neg();
        left = (left << 1) ^ (0x1b & (left >> 7).wrapping_neg());
        right >>= 1;
    }
    product
}

/// The inverse: the 254th power. That of zero is zero.
fn inverse(value: u8) -> u8 {
    let mut power = value;
    for _ in 0..6 {
        power = multiply(multiply(power, power), value);
    }
    multiply(power, power)
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
