//! What pages that are one long form share: heading, what was refused with links to the fields, groups, the end.

use leptos::prelude::*;

use super::sentence::Sentence;
use crate::form::FormState;

/// A page that is one form, to its own address: what it does, what will happen, and its fields.
pub fn form_page(
    title: impl Into<String>,
    lead: impl Into<String>,
    state: FormState,
    fields: AnyView,
) -> AnyView {
    let (title, lead) = (title.into(), lead.into());
    view! {
        <Sentence>{title}</Sentence>
        <p class="panel__text">{lead}</p>
        <FormProblems state />
        <form class="form form--page" method="post">
            {fields}
        </form>
    }
    .into_any()
}

/// What was refused, with a link to each field; what went well; above the form.
#[component]
pub fn FormProblems(
    state: FormState,
    /// As given to the fields.
    #[prop(optional)]
    id_prefix: &'static str,
) -> impl IntoView {
    let links = state
        .errors
        .iter()
        .map(|(field, words)| {
            let id = if id_prefix.is_empty() {
                format!("#{field}")
            } else {
                format!("#{id_prefix}-{field}")
            };
            view! {
                <li>
                    <a href=id>{words.clone()}</a>
                </li>
            }
        })
        .collect_view();
    let has_links = !state.errors.is_empty();
    let problem = state.problem.map(|text| {
        view! {
            <div class="notice notice--stale" role="alert" tabindex="-1">
                <p>{text}</p>
                {has_links.then(|| view! { <ul class="notice__list">{links}</ul> })}
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

/// Fields that belong together, with what they are for.
pub fn group(title: &'static str, text: &'static str, fields: AnyView) -> AnyView {
    let text = (!text.is_empty()).then(|| view! { <p class="form__text">{text}</p> });
    view! {
        <fieldset class="form__group">
            <legend class="form__legend">{title}</legend>
            {text}
            {fields}
        </fieldset>
    }
    .into_any()
}
