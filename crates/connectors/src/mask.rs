//! Takes secrets out of texts that somebody else wrote.

use engine::ports::Values;

/// Names of values that are no secrets; everything else is masked.
const PUBLIC: [&str; 2] = ["username", "key_id"];

/// `text` with every secret of `values` replaced by `***`.
pub(crate) fn mask_values(text: String, values: &[&Values]) -> String {
    let mut masked = text;
    for value in values {
        for (name, secret) in value.iter() {
            let exposed = secret.expose_text();
            if !PUBLIC.contains(&name) && !exposed.is_empty() && masked.contains(exposed) {
                masked = masked.replace(exposed, "***");
            }
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use keyring::SecretText;

    use super::*;

    #[test]
    fn secrets_are_masked_and_names_stay() {
        let values = Values::new()
            .with("username", SecretText::new("app".to_owned()))
            .with("password", SecretText::new("s3cret".to_owned()));
        assert_eq!(
            mask_values("app said s3cret twice: s3cret".to_owned(), &[&values]),
            "app said *** twice: ***"
        );
    }
}
