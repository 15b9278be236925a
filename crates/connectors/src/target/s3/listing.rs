//! Keys of objects in their order, a page at a time.

use engine::ports::ConnectorError;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::refuse;
use super::store::{Ask, Store};

/// The most that a store lists at once.
pub(super) const PAGE: u32 = 1_000;

/// An object as a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
}

/// Part of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    /// The last key that was looked at; None: nothing comes after this page.
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Contents>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    #[serde(default)]
    size: u64,
}

impl Store {
    /// The objects below a prefix that come after a key.
    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, ConnectorError> {
        let limit = limit.clamp(1, PAGE).to_string();
        let mut query = vec![
            ("list-type", "2"),
            ("encoding-type", "url"),
            ("max-keys", limit.as_str()),
            ("prefix", prefix),
        ];
        if let Some(after) = after {
            query.push(("start-after", after));
        }
        let answer = self.ask(Ask::get(None, &query)).await?;
        if answer.status != 200 {
            return Err(self.refused("listing its objects", &answer));
        }
        page_of(answer.xml()?, after)
    }
}

fn page_of(listing: Listing, after: Option<&str>) -> Result<Page, ConnectorError> {
    let is_encoded = listing.encoding_type.as_deref() == Some("url");
    let mut objects: Vec<Listed> = Vec::with_capacity(listing.contents.len());
    let mut last = after.map(str::to_owned);
    for Contents { key, size } in listing.contents {
        let key = if is_encoded { decoded(&key)? } else { key };
        // The place to go on is a key, so the order of keys is what keeps a scan without gaps.
        if last.as_ref().is_some_and(|last| *last >= key) {
            return Err(refuse(format!(
                "the store does not list objects in the order of their keys (`{key}`), so a scan could miss some"
            )));
        }
        last = Some(key.clone());
        // Consoles make such objects to show a folder.
        if !(key.ends_with('/') && size == 0) {
            objects.push(Listed { key, size });
        }
    }
    if listing.is_truncated && last.as_deref() == after {
        return Err(refuse("the store says that there is more and does not list it"));
    }
    Ok(Page {
        objects,
        next: last.filter(|_| listing.is_truncated),
    })
}

/// Some write a space as `+`, all write a plus as `%2B`.
fn decoded(key: &str) -> Result<String, ConnectorError> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| refuse(format!("the key `{key}` of an object is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(xml: &str, after: Option<&str>) -> Result<Page, ConnectorError> {
        page_of(quick_xml::de::from_str(xml).unwrap(), after)
    }

    #[test]
    fn a_page_goes_on_after_its_last_key_and_leaves_folders_out() {
        let xml = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                   <Name>b</Name><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
                   <Contents><Key>a+%2B%26</Key><Size>7</Size><ETag>&quot;0&quot;</ETag></Contents>\
                   <Contents><Key>b/</Key><Size>0</Size></Contents></ListBucketResult>";
        let page = page(xml, Some("a")).unwrap();
        assert_eq!(
            page.objects,
            [Listed {
                key: "a +&".to_owned(),
                size: 7
            }]
        );
        assert_eq!(page.next.as_deref(), Some("b/"));
    }

    #[test]
    fn a_listing_without_order_is_refused() {
        let xml = "<R><IsTruncated>false</IsTruncated><Contents><Key>b</Key></Contents><Contents><Key>a</Key></Contents></R>";
        assert!(page(xml, None).unwrap_err().detail.contains("order"));
        let xml = "<R><IsTruncated>false</IsTruncated><Contents><Key>b</Key></Contents></R>";
        assert!(page(xml, Some("b")).unwrap_err().detail.contains("order"));
        let xml = "<R><IsTruncated>true</IsTruncated></R>";
        assert!(page(xml, Some("b")).is_err());
    }
}
