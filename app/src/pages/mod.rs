//! The pages, a folder per noun.

pub mod audit;
pub mod consumer;
pub mod consumer_form;
pub mod consumers;
pub mod credential;
pub mod credential_form;
pub mod credentials;
pub mod delete_credential;
pub mod delete_target;
pub mod expiries;
pub mod issuer;
pub mod issuer_form;
pub mod issuers;
pub mod key;
pub mod key_form;
pub mod keys;
pub mod missing;
pub mod needs_person;
pub mod overview;
pub mod recovery;
pub mod reencryption;
pub mod reencryptions;
pub mod root;
pub mod rotation;
pub mod rotations;
pub mod settings;
pub mod sign_in;
pub mod start_rotation;
pub mod target_form;

use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::components::frame::{Crumb, Frame as FrameAround, Place};
use crate::components::states::ErrorState;
use crate::reader::{ReadError, SharedReader};
use crate::reply::ReplyStatus;
use crate::views::frame::Frame;
use crate::words;

/// Where a page stands: its entry in the rail, its title in the window and the way up.
#[derive(Clone, Debug)]
pub struct Heading {
    pub place: Place,
    pub title: String,
    pub crumbs: Vec<Crumb>,
}

impl Heading {
    pub fn new(place: Place, title: impl Into<String>) -> Self {
        Self {
            place,
            title: title.into(),
            crumbs: Vec::new(),
        }
    }

    /// Below the second level, the way up is shown.
    pub fn below(mut self, label: &'static str, address: &'static str) -> Self {
        self.crumbs.push(Crumb {
            label: label.into(),
            address: address.into(),
        });
        self
    }
}

/// A page: asks the reader for the frame and the view, and draws the view within the frame, or says why it cannot.
pub fn page<Question, View, Drawing>(
    heading: Heading,
    question: impl FnOnce(SharedReader) -> Question + Send + 'static,
    draw: impl FnOnce(View, Frame) -> Drawing + Send + 'static,
) -> AnyView
where
    Question: Future<Output = Result<View, ReadError>> + Send + 'static,
    View: Send + 'static,
    Drawing: IntoView + 'static,
{
    let reader = expect_context::<SharedReader>();
    let content = Suspend::new(async move {
        let frame = reader.frame().await;
        let answer = question(reader).await;
        let content = match answer {
            Ok(view) => Either::Left(draw(view, frame.clone()).into_view()),
            Err(error) => {
                ReplyStatus::set(status_of(&error));
                Either::Right(view! { <ErrorState error /> })
            }
        };
        view! {
            <Title text=format!("{} · Rota", heading.title) />
            <FrameAround frame heading>{content.into_any()}</FrameAround>
        }
    });
    view! { <Suspense>{content}</Suspense> }.into_any()
}

/// A parameter of the route; empty when the route has none of that name, which no subject ever has.
pub fn parameter(name: &str) -> String {
    use_params_map().read_untracked().get(name).unwrap_or_default()
}

/// A parameter of the query that is not blank.
pub fn query(name: &str) -> Option<String> {
    use_query_map()
        .read_untracked()
        .get(name)
        .filter(|value| !value.trim().is_empty())
}

/// An address with those parameters that have a value.
pub fn address<'value>(
    path: &str,
    pairs: impl IntoIterator<Item = (&'static str, Option<&'value str>)>,
) -> String {
    let query: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", words::segment(value))))
        .collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

fn status_of(error: &ReadError) -> u16 {
    match error {
        ReadError::NotFound => 404,
        ReadError::Forbidden => 403,
        ReadError::Unavailable(_) => 503,
    }
}
