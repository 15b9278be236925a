//! What a form was refused for, or what went well, above it.

use leptos::prelude::*;

use crate::form::FormState;

/// The form's problem and notice, when there are any; takes the focus so that it is heard.
#[component]
pub fn FormNotice(state: FormState) -> impl IntoView {
    let problem = state.problem.map(|text| {
        view! {
            <div class="notice notice--stale" role="alert" tabindex="-1">
                <p>{text}</p>
            </div>
        }
    });
    let notice = state.notice.map(|text| {
        view! {
            <div class="notice notice--fresh" role="status">
                <p>{text}</p>
            </div>
        }
    });
    view! {
        {problem}
        {notice}
    }
    .into_any()
}
