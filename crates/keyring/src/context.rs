//! Where a sealed value belongs. It opens there and nowhere else.

use std::fmt;

/// Stands where the length of a table's name stands in other contexts.
const OF_CALLER: [u8; 8] = u64::MAX.to_be_bytes();

/// The place of a value: table, row and field. It is not stored in the envelope, only bound to it, so a
/// sealed value that was moved to another place does not open.
///
/// Each part is written with its length before it, so no two different places are written alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Context(Vec<u8>);

impl Context {
    /// The place given by a table, a row in it and a field of that row.
    pub fn new(table: impl AsRef<[u8]>, row: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Self {
        let mut encoded = Vec::new();
        for part in [table.as_ref(), row.as_ref(), field.as_ref()] {
            encoded.extend_from_slice(&(part.len() as u64).to_be_bytes());
            encoded.extend_from_slice(part);
        }
        Self(encoded)
    }

    /// The place that a caller names in its own words, apart from every place given by table, row and field: no
    /// table has a name of 2^64 - 1 bytes.
    pub fn of_caller(words: impl AsRef<[u8]>) -> Self {
        Self([&OF_CALLER, words.as_ref()].concat())
    }

    pub(crate) fn encoded(&self) -> &[u8] {
        &self.0
    }
}

/// Shows only how long it is: a context that a caller chose may say more than a log should.
impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Context({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_length_prefixed() {
        let expected = "0000000000000001740000000000000000000000000000000266c3";
        assert_eq!(
            hex::encode(Context::new("t", "", [0x66, 0xc3]).encoded()),
            expected
        );
    }

    #[test]
    fn a_callers_words_are_no_place_of_ours() {
        assert_eq!(
            hex::encode(Context::of_caller("tenant 7").encoded()),
            "ffffffffffffffff74656e616e742037"
        );
        // Words that imitate a place are still words.
        let place = Context::new("a", "b", "c");
        assert_ne!(Context::of_caller(place.encoded()), place);
        assert_ne!(Context::of_caller(""), Context::new("", "", ""));
        assert_ne!(Context::of_caller("a"), Context::of_caller("b"));
    }

    #[test]
    fn moving_a_boundary_changes_the_context() {
        let contexts = [
            Context::new("ab", "c", "d"),
            Context::new("a", "bc", "d"),
            Context::new("a", "b", "cd"),
            Context::new("abcd", "", ""),
            Context::new("", "abcd", ""),
            Context::new("", "", "abcd"),
        ];
        for (index, left) in contexts.iter().enumerate() {
            for right in &contexts[index + 1..] {
                assert_ne!(left, right);
            }
        }
    }
}
