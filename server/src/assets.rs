//! The browser bundle, embedded at build time by `build.rs`. Without a bundle there is the style alone, and no manifest.

use std::sync::LazyLock;

use serde::Deserialize;

/// A file of the site, with its precompressed forms.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The same by brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The same by gzip.
    pub gzip: Option<&'static [u8]>,
    /// For the header of that name.
    pub content_type: &'static str,
    /// The name carries the hash of the content: it may be cached for ever.
    pub immutable: bool,
    /// A strong validator of `bytes`, quotes included.
    pub etag: &'static str,
}

/// Addresses (from the root of the site) of what every page links to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    /// The style sheet.
    pub css: String,
    /// The script that loads the wasm.
    pub js: String,
    /// The wasm.
    pub wasm: String,
    /// The stem script and wasm share: `LeptosOptions::output_name`, with `site_pkg_dir = "pkg"`.
    pub output_name: String,
}

/// The style sheet of a server that was built without a bundle.
pub const PLAIN_STYLE: &str = "/style.css";

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

static MANIFEST: LazyLock<Option<Manifest>> =
    LazyLock::new(|| MANIFEST_JSON.and_then(|text| serde_json::from_str(text).ok()));

/// The asset at an address, with or without its leading slash.
pub fn asset(path: &str) -> Option<Asset> {
    let address = path.strip_prefix('/').unwrap_or(path);
    let found = ASSETS.binary_search_by(|(known, _)| (*known).cmp(address)).ok()?;
    ASSETS.get(found).map(|(_, asset)| *asset)
}

/// What the pages link to, or nothing when the server was built without a bundle.
pub fn manifest() -> Option<Manifest> {
    MANIFEST.clone()
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, PLAIN_STYLE, asset, manifest};

    #[test]
    fn what_the_manifest_names_is_embedded_and_cached_for_ever() {
        // Built without a bundle there is no script to serve, and none may be promised either.
        let Some(manifest) = manifest() else {
            assert!(asset(PLAIN_STYLE).is_some_and(|sheet| !sheet.immutable));
            assert!(ASSETS.iter().all(|(address, _)| !address.starts_with("pkg/")));
            return;
        };
        for address in [&manifest.css, &manifest.js, &manifest.wasm] {
            let found = asset(address).unwrap_or_else(|| panic!("{address} is not embedded"));
            assert!(found.immutable, "{address}");
            assert!(
                found
                    .brotli
                    .is_some_and(|brotli| brotli.len() <= found.bytes.len().max(64)),
                "{address}"
            );
        }
        assert_eq!(manifest.js, format!("/pkg/{}.js", manifest.output_name));
        assert_eq!(manifest.wasm, format!("/pkg/{}_bg.wasm", manifest.output_name));
    }

    #[test]
    fn an_unknown_address_has_no_asset() {
        assert!(asset("/pkg/../manifest.json").is_none());
        assert!(asset("").is_none());
        assert!(asset("/manifest.json").is_none());
    }
}
