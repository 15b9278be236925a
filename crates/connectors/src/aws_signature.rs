//! Signature Version 4 of AWS, for requests with a body at hand. Written here because the crates for it bring a dozen
//! others for these few lines; proven by the example that AWS publishes.

use std::collections::BTreeMap;

use engine::Timestamp;
use hmac::{Hmac, Mac};
use keyring::SecretText;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who signs, and for what.
#[derive(Debug)]
pub struct Credentials<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a SecretText,
    pub region: &'a str,
    pub service: &'a str,
}

/// A signed request's headers.
#[derive(Debug)]
pub struct Signed {
    pub headers: BTreeMap<String, String>,
    pub authorization: String,
}

/// The time lies outside of what can be written.
#[derive(Debug, thiserror::Error)]
#[error("the clock shows a time that cannot be signed")]
pub struct UnsignableTime;

/// Signs a request. `headers` are lower case, with `host`; the date is added. `path` and `query` are in canonical form
/// already: see [`encoded`].
///
/// # Errors
/// [`UnsignableTime`].
pub fn sign(
    credentials: &Credentials<'_>,
    method: &str,
    path: &str,
    query: &str,
    mut headers: BTreeMap<String, String>,
    body: &[u8],
    now: Timestamp,
) -> Result<Signed, UnsignableTime> {
    let seconds = now.as_micros().div_euclid(1_000_000);
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| UnsignableTime)?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let date = format!("{year:04}{month:02}{day:02}");
    let moment = format!("{date}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
    headers.insert("x-amz-date".to_owned(), moment.clone());
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", single_spaced(value)))
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

/// As the service writes a header before it signs it: without what nobody sees.
fn single_spaced(value: &str) -> String {
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A text as it stands in a canonical path or query: everything but letters, digits and `-._~` in hexadecimal digits,
/// and `/` too where it separates nothing.
pub fn encoded(text: &str, keeps_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            b'/' if keeps_slashes => encoded.push('/'),
            other => {
                encoded.push('%');
                encoded.push_str(&hex::encode_upper([other]));
            }
        }
    }
    encoded
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

    fn named<const LENGTH: usize>(headers: [(&str, &str); LENGTH]) -> BTreeMap<String, String> {
        headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

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
        let headers = named([
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
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
    /// The examples of "Authenticating Requests: Using the Authorization Header" in AWS's documentation of S3.
    #[test]
    fn the_published_requests_to_s3_get_the_published_signatures() {
        const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let secret = SecretText::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret_access_key: &secret,
            region: "us-east-1",
            service: "s3",
        };
        // 2013-05-24T00:00:00Z
        let now = Timestamp::from_micros(1_369_353_600_000_000);
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let signature_of = |method, path: &str, query, headers, body: &[u8]| {
            let signed = sign(&credentials, method, path, query, headers, body, now).unwrap();
            signed
                .authorization
                .rsplit_once("Signature=")
                .map(|(_, signature)| signature.to_owned())
        };
        let get = named([host, ("range", "bytes=0-9"), ("x-amz-content-sha256", NOTHING)]);
        assert_eq!(
            signature_of("GET", "/test.txt", "", get, b"").as_deref(),
            Some("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
        );
        let put = named([
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            (
                "x-amz-content-sha256",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            ),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ]);
        let path = encoded("/test$file.text", true);
        assert_eq!(
            signature_of("PUT", &path, "", put, b"Welcome to Amazon S3.").as_deref(),
            Some("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
        );
        let list = named([host, ("x-amz-content-sha256", NOTHING)]);
        assert_eq!(
            signature_of("GET", "/", "max-keys=2&prefix=J", list, b"").as_deref(),
            Some("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
        );
    }
}
