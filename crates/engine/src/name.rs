//! Names people give to issuers, consumers and credentials (CAT-2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name: `[a-z0-9][a-z0-9._-]{0,126}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidName {
    /// Nothing, or too much.
    #[error("a name has 1 to 127 characters, this one has {0}")]
    Length(usize),
    /// A letter or digit must come first.
    #[error("a name starts with a letter a-z or a digit, not with `{0}`")]
    Start(char),
    /// Something else than the allowed characters.
    #[error("a name may hold a-z, 0-9, `.`, `_` and `-`, not `{0}`")]
    Character(char),
}

impl Name {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// With the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let length = text.chars().count();
        if length == 0 || length > 127 {
            return Err(InvalidName::Length(length));
        }
        let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
        for (index, character) in text.chars().enumerate() {
            if index == 0 && !allowed(character) {
                return Err(InvalidName::Start(character));
            }
            if !(allowed(character) || matches!(character, '.' | '_' | '-')) {
                return Err(InvalidName::Character(character));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        assert!(Name::parse("orders-app.v2_x").is_ok());
        assert!(Name::parse("0").is_ok());
        assert!(Name::parse(&"a".repeat(127)).is_ok());
        assert_eq!(Name::parse(""), Err(InvalidName::Length(0)));
        assert_eq!(Name::parse(&"a".repeat(128)), Err(InvalidName::Length(128)));
        assert_eq!(Name::parse("-a"), Err(InvalidName::Start('-')));
        assert_eq!(Name::parse("Orders"), Err(InvalidName::Start('O')));
        assert_eq!(Name::parse("a b"), Err(InvalidName::Character(' ')));
        assert_eq!(Name::parse("ä"), Err(InvalidName::Start('ä')));
    }
}
