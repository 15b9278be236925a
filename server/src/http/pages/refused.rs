//! A form that was refused, as the page it comes back with.

use api::problem::code;
use app::form::FormState;
use app::forms::{self, FieldErrors, Form, Values};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use engine::Refusal;

use crate::http::problem::ApiError;

/// Why nothing was changed, beside the fields it is about, and what was typed.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) state: FormState,
    pub(super) retry_after: Option<HeaderValue>,
}

impl Refused {
    /// 422 before any service was asked.
    pub(super) fn fields(errors: FieldErrors, values: Values) -> Self {
        Self::state(StatusCode::UNPROCESSABLE_ENTITY, errors.state(values))
    }

    /// 422 that no field stands for.
    pub(super) fn problem(values: Values, words: &str) -> Self {
        Self::state(StatusCode::UNPROCESSABLE_ENTITY, forms::problem(values, words))
    }

    /// 404: the page says so itself.
    pub(super) fn missing() -> Self {
        Self::state(StatusCode::NOT_FOUND, FormState::default())
    }

    /// A refusal of a service. Its status is the API's: there is one table.
    pub(super) fn by<F: Form>(refusal: Refusal, values: Values) -> Self {
        let state = match &refusal {
            Refusal::Rules(rules) => {
                let pairs = rules
                    .iter()
                    .map(|rule| (rule.pointer.clone(), rule.detail.clone()));
                forms::refused::<F>(values, pairs)
            }
            Refusal::Conflict { code, detail } if *code == code::NAME_TAKEN => {
                forms::refused::<F>(values, [("/name".to_owned(), detail.clone())])
            }
            other => forms::problem(values, &other.to_string()),
        };
        let reply = ApiError::from(refusal).into_response();
        Self {
            status: reply.status(),
            state,
            retry_after: reply.headers().get(header::RETRY_AFTER).cloned(),
        }
    }

    fn state(status: StatusCode, state: FormState) -> Self {
        Self {
            status,
            state,
            retry_after: None,
        }
    }
}
