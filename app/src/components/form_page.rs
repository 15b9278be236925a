//! What pages that are one long form share: heading, what was refused with links to the fields, groups, the end.

use leptos::prelude::*;

use super::sentence::Sentence;
use crate::form::FormState;

/// A page that is one form, to its own address.
#[component]
pub fn FormPage(
    /// The page's one heading: what the form does.
    #[prop(into)]
    title: String,
    /// What will happen, and what will not.
    #[prop(into)]
    lead: String,
    state: FormState,
    children: Children,
) -> impl IntoView {
    view! {
        <Sentence>{title}</Sentence>
        <p class="panel__text">{lead}</p>
        <FormProblems state />
        <form class="form form--page" method="post">
            {children()}
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
#[component]
pub fn Group(
    #[prop(into)] title: String,
    #[prop(optional, into)] text: String,
    children: Children,
) -> impl IntoView {
    let text = (!text.is_empty()).then(|| view! { <p class="form__text">{text}</p> });
    view! {
        <fieldset class="form__group">
            <legend class="form__legend">{title}</legend>
            {text}
            {children()}
        </fieldset>
    }
    .into_any()
}
