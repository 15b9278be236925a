//! Filters that the lists of issuers and of consumers share.

/// As they stand in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogQuery {
    /// Part of the name, service or address.
    pub text: Option<String>,
    pub environment: Option<String>,
    pub cursor: Option<String>,
}
