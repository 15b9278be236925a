//! One object: read with all that a write would otherwise lose, and written only where it still is the same.

use std::collections::BTreeMap;

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use reqwest::Method;
use serde::Deserialize;

use super::refuse;
use super::store::{Answer, Ask, Store};
use crate::aws_signature::encoded;

/// What a write takes over from the object as it was, besides everything under [`OWN`].
const KEPT: [&str; 12] = [
    "content-type",
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
];
/// What callers wrote beside an object.
const OWN: &str = "x-amz-meta-";
/// An ETag that no object has.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";

/// An object as it stands.
pub(super) struct Object {
    pub(super) body: Vec<u8>,
    answer: Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    #[serde(default)]
    tag_set: TagSet,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagSet {
    #[serde(default)]
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Versioning {
    status: String,
}

impl Store {
    /// An object as it stands now; None when it is gone.
    pub(super) async fn object(&self, key: &str) -> Result<Option<Object>, ConnectorError> {
        let mut answer = self.ask(Ask::get(Some(key), &[])).await?;
        match answer.status {
            200 => Ok(Some(Object {
                body: std::mem::take(&mut answer.body),
                answer,
            })),
            404 if !answer.body.windows(12).any(|part| part == b"NoSuchBucket") => Ok(None),
            _ => Err(self.refused(&format!("reading object `{key}`"), &answer)),
        }
    }

    /// Writes an object, if it still is the one that was read; false where somebody wrote or deleted it since.
    pub(super) async fn put(
        &self,
        key: &str,
        object: &Object,
        body: Vec<u8>,
    ) -> Result<bool, ConnectorError> {
        let Some(etag) = object.answer.header("etag") else {
            return Err(refuse(
                "the store gives objects no ETag, so a write could not be kept from undoing another",
            ));
        };
        let mut headers = object.kept_headers(key)?;
        headers.insert("if-match".to_owned(), text_of(key, "etag", etag)?);
        if let Some(tags) = self.tags(key).await? {
            headers.insert("x-amz-tagging".to_owned(), tags);
        }
        let ask = Ask {
            method: Method::PUT,
            key: Some(key),
            query: &[],
            headers,
            body,
        };
        let answer = self.ask(ask).await?;
        match answer.status {
            200..=299 => Ok(true),
            // Written by somebody since, deleted since, written by somebody at this moment.
            412 | 404 | 409 => Ok(false),
            _ => Err(self.refused(&format!("writing object `{key}`"), &answer)),
        }
    }

    /// The tags of an object as a header writes them. Asked for each time: a store does not say how many there are to
    /// whom it would not show them, and then they would be lost.
    async fn tags(&self, key: &str) -> Result<Option<String>, ConnectorError> {
        let answer = self.ask(Ask::get(Some(key), &[("tagging", "")])).await?;
        match answer.status {
            200 => {}
            // Gone meanwhile, or a store without tags.
            404 | 501 => return Ok(None),
            _ => return Err(self.refused(&format!("reading the tags of object `{key}`"), &answer)),
        }
        let tagging: Tagging = answer.xml()?;
        let pairs: Vec<String> = tagging
            .tag_set
            .tag
            .iter()
            .map(|tag| format!("{}={}", encoded(&tag.key, false), encoded(&tag.value, false)))
            .collect();
        Ok((!pairs.is_empty()).then(|| pairs.join("&")))
    }

    /// Whether the bucket keeps what is overwritten.
    pub(super) async fn keeps_old_versions(&self) -> Result<bool, ConnectorError> {
        let answer = self.ask(Ask::get(None, &[("versioning", "")])).await?;
        match answer.status {
            200 => {
                let versioning: Versioning = answer.xml()?;
                Ok(!versioning.status.is_empty())
            }
            501 => Ok(false),
            _ => Err(self.refused("asking whether it keeps old versions", &answer)),
        }
    }

    /// Whether the store heeds `If-Match`: asked of an object that is not there, so that nobody's is touched. A store
    /// that does not heed it makes the object, which is then removed again.
    pub(super) async fn require_conditional_writes(&self, prefix: &str) -> Result<(), ConnectorError> {
        let key = format!("{prefix}.rota-conditional-write");
        let ask = |method| Ask {
            method,
            key: Some(&key),
            query: &[],
            headers: BTreeMap::from([("if-match".to_owned(), NO_ETAG.to_owned())]),
            body: Vec::new(),
        };
        let answer = self.ask(ask(Method::PUT)).await?;
        match answer.status {
            404 if answer.body.windows(12).any(|part| part == b"NoSuchBucket") => {
                Err(self.refused("writing", &answer))
            }
            404 | 412 => Ok(()),
            200..=299 => {
                let removal = Ask {
                    headers: BTreeMap::new(),
                    ..ask(Method::DELETE)
                };
                let removed = self.ask(removal).await?;
                let rest = if (200..=299).contains(&removed.status) {
                    ""
                } else {
                    "; and remove the empty object that was written to find out"
                };
                Err(refuse(format!(
                    "this store writes `{key}` although `If-Match` asks it not to, so a write of somebody else would \
                     be lost; use a version of the store with conditional writes{rest}"
                )))
            }
            _ => Err(self.refused("trying a conditional write", &answer)),
        }
    }
}

impl Object {
    fn kept_headers(&self, key: &str) -> Result<BTreeMap<String, String>, ConnectorError> {
        let mut kept = BTreeMap::new();
        for (name, value) in &self.answer.headers {
            let name = name.as_str();
            if name.starts_with("x-amz-object-lock-") {
                return Err(refuse(format!(
                    "object `{key}` is under a lock, so what it was stays beside what it would be; choose a prefix \
                     without it"
                )));
            }
            if name == "x-amz-missing-meta" {
                return Err(refuse(format!(
                    "object `{key}` has metadata that HTTP cannot carry, and a write would lose it"
                )));
            }
            if KEPT.contains(&name) || name.starts_with(OWN) {
                kept.insert(name.to_owned(), text_of(key, name, value.as_bytes())?);
            }
        }
        // How the first writer sent it, not what it is.
        if let Some(coding) = kept.get_mut("content-encoding") {
            let rest: Vec<&str> = coding
                .split(',')
                .map(str::trim)
                .filter(|coding| *coding != "aws-chunked")
                .collect();
            *coding = rest.join(",");
        }
        kept.retain(|_, value| !value.is_empty());
        Ok(kept)
    }
}

fn text_of(key: &str, name: &str, value: &[u8]) -> Result<String, ConnectorError> {
    String::from_utf8(value.to_vec()).map_err(|_| {
        ConnectorError::new(
            ErrorClass::Policy,
            format!("the header `{name}` of object `{key}` is not UTF-8, and a write would lose it"),
        )
    })
}
