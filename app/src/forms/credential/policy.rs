//! The policy of a credential, as it is typed.

use api::credential::AgeThresholds;
use api::{Evidence, PolicyInput};

use super::CredentialForm;
use crate::forms::FieldErrors;
use crate::forms::reading::{filled, names, number, optional_span, word};

impl CredentialForm {
    pub(super) fn read_policy(&self, errors: &mut FieldErrors) -> PolicyInput {
        let evidence: Option<Evidence> =
            filled(&self.evidence).and_then(|text| word(errors, "evidence", &text));
        PolicyInput {
            max_age: optional_span(errors, "max_age", &self.max_age),
            grace: optional_span(errors, "grace", &self.grace),
            soak: optional_span(errors, "soak", &self.soak),
            waves: self.read_waves(errors),
            approvals: number(
                errors,
                "approvals",
                &self.approvals,
                "Write a whole number, such as 1.",
            ),
            evidence,
            max_hold: optional_span(errors, "max_hold", &self.max_hold),
            rollback_drain: optional_span(errors, "rollback_drain", &self.rollback_drain),
        }
    }

    fn read_waves(&self, errors: &mut FieldErrors) -> Option<Vec<u32>> {
        let parts = names(&[self.waves.replace(['%', ';'], " ")]);
        if parts.is_empty() {
            return None;
        }
        match parts.iter().map(|part| part.parse()).collect() {
            Ok(waves) => Some(waves),
            Err(_) => {
                errors.refuse("waves", "Write percentages that rise to 100, such as 5, 25, 100.");
                None
            }
        }
    }

    pub(super) fn read_thresholds(&self, errors: &mut FieldErrors) -> Option<AgeThresholds> {
        let yellow_from = optional_span(errors, "yellow_from", &self.yellow_from);
        let red_from = optional_span(errors, "red_from", &self.red_from);
        match (yellow_from, red_from) {
            (Some(yellow_from), Some(red_from)) if yellow_from >= red_from => {
                errors.refuse("red_from", "Red begins after yellow.");
                None
            }
            (Some(yellow_from), Some(red_from)) => Some(AgeThresholds {
                yellow_from,
                red_from,
            }),
            (None, Some(_)) => {
                errors.refuse("yellow_from", "Say where yellow begins too, or leave both blank.");
                None
            }
            (Some(_), None) => {
                errors.refuse("red_from", "Say where red begins too, or leave both blank.");
                None
            }
            (None, None) => None,
        }
    }
}
