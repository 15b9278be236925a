//! Signature Version 4 of AWS, for requests with a body at hand. Written here because the crates for it bring a dozen
//! others for these few lines; proven by the example that AWS publishes.

use std::collections::BTreeMap;

use engine::Timestamp;
use hmac::{Hmac, Mac};
use keyring::SecretText;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who signs, and for what.
pub(super) struct Credentials<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a SecretText,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// A signed request's headers.
pub(super) struct Signed {
    pub(super) headers: BTreeMap<&'static str, String>,
    pub(super) authorization: String,
}

/// The time lies outside of what can be written.
#[derive(Debug, thiserror::Error)]
#[error("the clock shows a time that cannot be signed")]
pub(super) struct UnsignableTime;

/// Signs a request. `headers` are lower case, with `host`; the date is added. `query` is in canonical form already.
pub(super) fn sign(
    credentials: &Credentials<'_>,
    method: &str,
    path: &str,
    query: &str,
    mut headers: BTreeMap<&'static str, String>,
    body: &[u8],
    now: Timestamp,
) -> Result<Signed, UnsignableTime> {
    let seconds = now.as_micros().div_euclid(1_000_000);
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| UnsignableTime)?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let date = format!("{year:04}{month:02}{day:02}");
    let moment = format!("{date}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
    headers.insert("x-amz-date", moment.clone());
    let names: Vec<&str> = headers.keys().copied().collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let body_hash = hex::encode(Sha256::digest(body));
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body_hash}");
    let scope = format!(
        "{date}/{}/{}/aws4_request",
        credentials.region, credentials.service
    );
    let request_hash = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{request_hash}");
    let secret = credentials.secret_access_key.expose_text();
    let mut key = Zeroizing::new([b"AWS4", secret.as_bytes()].concat());
    for part in [&date, credentials.region, credentials.service, "aws4_request"] {
        *key = authenticate(&key, part.as_bytes());
    }
    let signature = hex::encode(authenticate(&key, to_sign.as_bytes()));
    let owner = credentials.access_key_id;
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={owner}/{scope}, SignedHeaders={names}, Signature={signature}");
    Ok(Signed {
        headers,
        authorization,
    })
}

fn authenticate(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of every length, so this cannot fail; an empty tag would only be refused.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(data);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of "Create a signed AWS API request" in AWS's documentation of IAM.
    #[test]
    fn the_published_request_gets_the_published_signature() {
        let secret = SecretText::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: &secret,
            region: "us-east-1",
            service: "iam",
        };
        let headers = BTreeMap::from([
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            ),
            ("host", "iam.amazonaws.com".to_owned()),
        ]);
        // 2015-08-30T12:36:00Z
        let now = Timestamp::from_micros(1_440_938_160_000_000);
        let query = "Action=ListUsers&Version=2010-05-08";
        let signed = sign(&credentials, "GET", "/", query, headers, b"", now).unwrap();
        assert_eq!(
            signed.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
