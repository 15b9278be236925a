//! Issuers, consumers, credentials, versions, policies and freezes.

use std::collections::BTreeMap;

use engine::Name;
use engine::catalog as from;
use engine::catalog::age::AgeThresholds as EngineThresholds;
use engine::catalog::age::PolicyStatus as EngineStatus;
use engine::delivery::InstanceView;
use engine::detection::Counts;

use super::rotation::instance;
use super::same_words;
use crate::consumer::Consumer;
use crate::credential::{
    AgeBand, AgeThresholds, BlastRadius, Credential, PolicyStatus, RotationInFlight, Sensitivity, Strategy,
};
use crate::freeze::Freeze;
use crate::issuer::{Breaker, Issuer};
use crate::policy::{Evidence, Policy};
use crate::version::{Version, VersionState};
use crate::{Finding, Timestamp};

same_words! {
    Sensitivity = from::Sensitivity { Low, Medium, High, Critical }
    Strategy = from::Strategy { Alternating, Dual, InPlace, Reissue }
    AgeBand = from::AgeBand { Green, Yellow, Red }
    PolicyStatus = EngineStatus { OnTime, Due, Overdue }
    Evidence = from::Evidence { Signals, AcksAndProbe }
    VersionState = from::VersionState { Candidate, Current, Previous, Retired, Failed, Destroyed }
}
