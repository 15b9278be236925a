//! The catalog: issuers, consumers, credentials and their versions.

pub mod age;
pub mod model;
pub mod policy;
pub mod service;

pub use age::AgeBand;
pub use model::{
    Consumer, Credential, CredentialKind, Environment, Issuer, Sensitivity, Strategy, Version, VersionNumber,
    VersionState,
};
pub use policy::{Evidence, Policy};
