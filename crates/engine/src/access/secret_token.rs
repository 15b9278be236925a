//! The form of tokens: `rota_<kind>_<43 characters>`, so that scanners find a leaked one and people know what it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyring::{Randomness, SecretBytes, SecretText};
use sha2::{Digest, Sha256};

use crate::access::model::TokenHash;

/// What a token is for; part of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A program's.
    Api,
    /// A consumer's.
    Consumer,
    /// A sign-in link's.
    Link,
}

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Api => "rota_api_",
            Self::Consumer => "rota_consumer_",
            Self::Link => "rota_link_",
        }
    }
}

const RANDOM_BYTES: usize = 32;
const ENCODED_LENGTH: usize = 43;

/// A token with 256 random bits.
pub fn generate(kind: TokenKind, randomness: &dyn Randomness) -> SecretText {
    let mut bytes = vec![0; RANDOM_BYTES];
    randomness.fill(&mut bytes);
    let random = SecretBytes::new(bytes);
    let prefix = kind.prefix();
    let mut text = String::with_capacity(prefix.len() + ENCODED_LENGTH);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(random.expose_bytes(), &mut text);
    SecretText::new(text)
}

/// What kind of token a text is; None when it cannot be one of ours, so that it need not be looked up.
pub fn kind_of(presented: &str) -> Option<TokenKind> {
    [TokenKind::Api, TokenKind::Consumer, TokenKind::Link]
        .into_iter()
        .find(|kind| {
            presented.strip_prefix(kind.prefix()).is_some_and(|random| {
                random.len() == ENCODED_LENGTH
                    && random
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            })
        })
}

/// What is stored of a token, and looked up. The look-up by hash needs no constant time: whoever could choose
/// tokens by the time it takes would have to find hash collisions first.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(hex::encode(Sha256::digest(token.as_bytes())))
}

/// The last four characters, so that people can tell tokens apart.
pub fn hint(token: &SecretText) -> String {
    let text = token.expose_text();
    text.get(text.len().saturating_sub(4)..)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Randomness for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (index, byte) in buffer.iter_mut().enumerate() {
                *byte = index as u8 ^ 0xf8;
            }
        }
    }

    #[test]
    fn a_token_is_known_again_and_anything_else_is_not() {
        for kind in [TokenKind::Api, TokenKind::Consumer, TokenKind::Link] {
            let token = generate(kind, &Counting);
            let text = token.expose_text();
            assert_eq!(kind_of(text), Some(kind), "{text}");
            assert_eq!(kind_of(&text[..text.len() - 1]), None);
            assert_eq!(kind_of(&format!("{text}x")), None);
            assert_eq!(kind_of(&text.to_uppercase()), None);
            assert_eq!(hint(&token).len(), 4);
            assert!(text.ends_with(&hint(&token)));
        }
        assert_eq!(kind_of(""), None);
        assert_eq!(kind_of(&format!("rota_api_{}", "ü".repeat(22))), None);
        assert_eq!(hash("abc").0.len(), 64);
    }
}
