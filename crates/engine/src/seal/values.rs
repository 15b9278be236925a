//! The byte form of named values, made for sealing. Text would be copied around by a parser; this is read in place.

use keyring::{SecretBytes, SecretText};

use crate::ports::Values;

/// The first byte: the form of what follows.
const FORM: u8 = 1;

/// Writes values into one buffer that never grows, so that no half copy stays behind in memory.
pub(crate) fn encode(values: &Values) -> SecretBytes {
    let length = values
        .iter()
        .map(|(name, value)| 8 + name.len() + value.len())
        .sum::<usize>();
    let mut bytes = Vec::with_capacity(1 + length);
    bytes.push(FORM);
    for (name, value) in values.iter() {
        for part in [name.as_bytes(), value.expose_text().as_bytes()] {
            // A part of 4 GiB cannot be sealed at all; the sealer refuses it for its length.
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    SecretBytes::new(bytes)
}

/// Reads what [`encode`] wrote; None when it is something else.
pub(crate) fn decode(bytes: &SecretBytes) -> Option<Values> {
    let (form, mut rest) = bytes.expose_bytes().split_first()?;
    if *form != FORM {
        return None;
    }
    let mut values = Values::new();
    while !rest.is_empty() {
        let name = std::str::from_utf8(take_part(&mut rest)?).ok()?;
        let value = std::str::from_utf8(take_part(&mut rest)?).ok()?;
        values = values.with(name, SecretText::new(value.to_owned()));
    }
    Some(values)
}

fn take_part<'bytes>(rest: &mut &'bytes [u8]) -> Option<&'bytes [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (part, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_and_a_cut_form_does_not_open() {
        let values = Values::new()
            .with("username", SecretText::new("app_a".to_owned()))
            .with("password", SecretText::new("ü' \"\\\0\n".to_owned()))
            .with("empty", SecretText::new(String::new()));
        let bytes = encode(&values);
        let back = decode(&bytes).expect("whole");
        let pairs = |values: &Values| {
            values
                .iter()
                .map(|(name, value)| (name.to_owned(), value.expose_text().to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(pairs(&back), pairs(&values));
        // Cut behind a whole pair it is a shorter set; the seal's own authentication is what forbids that.
        let whole = bytes.expose_bytes();
        for length in [0, 3, 7, whole.len() - 1] {
            assert!(
                decode(&SecretBytes::new(whole[..length].to_vec())).is_none(),
                "{length} bytes"
            );
        }
    }
}
