//! The catalog: issuers, consumers, credentials and their versions.
//!
//! `model` holds what is stored, `facts` what follows from it, `score` which credential comes first, `service` what
//! people and programs may do.

pub mod age;
pub mod facts;
pub mod model;
pub mod policy;
pub mod score;
pub mod service;

pub use age::AgeBand;
pub use facts::{CredentialDetail, CredentialFacts, NextRotation};
pub use model::{
    Consumer, Credential, CredentialKind, Environment, Issuer, Sensitivity, Strategy, Version, VersionNumber,
    VersionState,
};
pub use policy::{Evidence, Policy};
pub use service::{
    ConsumerUpdate, CreatedConsumer, CredentialUpdate, IssuerCheck, IssuerTest, IssuerUpdate, NewConsumer,
    NewCredential, NewIssuer, PolicyInput,
};
