//! Generated secrets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::Randomness;
use keyring::SecretText;
use zeroize::Zeroizing;

/// 256 random bits as 43 characters that need no escaping in URLs, shells, headers or connection strings.
pub(crate) fn generate_password(randomness: &dyn Randomness) -> SecretText {
    let mut random = Zeroizing::new([0_u8; 32]);
    randomness.fill(&mut *random);
    SecretText::new(URL_SAFE_NO_PAD.encode(*random))
}
