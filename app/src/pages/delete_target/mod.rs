//! The page before a target is taken off the list: what is no longer known, what stays, what could be lost by that.

use leptos::prelude::*;

use super::{Heading, page, parameter};
use crate::components::field::{Checkbox, Field};
use crate::components::form_page::form_page;
use crate::components::frame::Place;
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::form::FormState;
use crate::views::reencryption::TargetView;
use crate::words;

#[component]
pub fn DeleteTargetPage() -> impl IntoView {
    let name = parameter("name");
    let heading = Heading::new(Place::Keys, "Remove a target")
        .below("Keys", "/keys")
        .below("Re-encryption", "/reencryptions");
    page(
        heading,
        move |reader| async move { reader.target(&name).await },
        |view: TargetView, _| match view.job.clone() {
            Some(job) => blocked(&view, &job),
            None => ask(&view),
        },
    )
}

fn blocked(view: &TargetView, job: &str) -> AnyView {
    let address = format!("/reencryptions/{}", words::segment(job));
    let state = FormState::current();
    form_problem(&state, view! {
        <Sentence>{format!("{} cannot be removed right now.", view.line.name)}</Sentence>
        <p class="panel__text">
            "A job works in it. Wait for its end, or cancel it: what it moved stays moved, and nothing is lost."
        </p>
        <p class="form__end">
            <a class="button button--primary" href=address>
                "Go to the job"
            </a>
            <a class="button button--quiet" href="/reencryptions">
                "Back"
            </a>
        </p>
    }.into_any())
}

/// What was refused stands above, for a job may have begun while the person was reading.
fn form_problem(state: &FormState, page: AnyView) -> AnyView {
    let problem = state.problem.clone().map(|text| {
        view! {
            <div class="notice notice--stale" role="alert" tabindex="-1">
                <p>{text}</p>
            </div>
        }
    });
    view! {
        {problem}
        {page}
    }
    .into_any()
}

fn ask(view: &TargetView) -> AnyView {
    let state = FormState::current();
    let name = view.line.name.clone();
    let points = consequences(view)
        .into_iter()
        .map(|text| view! { <li>{text}</li> })
        .collect_view();
    form_page(
        format!("Remove {name}?"),
        "Rota forgets this place. What stands there stays as it is; it can be registered again.",
        state.clone(),
        view! {
            <Panel title="What will happen">
                <ul class="bullets">{points}</ul>
            </Panel>
            <Field
                state=state.clone()
                name="reason"
                label="Reason"
                hint="Stands in the audit trail."
                required=true
                autocomplete="off"
            />
            <Checkbox state name="understood" label="I have read what will happen" />
            <div class="form__end">
                <button class="button button--grave" type="submit">
                    {format!("Remove {name}")}
                </button>
                <a class="button" href="/reencryptions">
                    "Keep it"
                </a>
            </div>
        }
        .into_any(),
    )
}

/// What is no longer known, what may be lost by that, what stays.
fn consequences(view: &TargetView) -> Vec<String> {
    let line = &view.line;
    let versions: Vec<String> = view
        .versions
        .iter()
        .filter(|(_, records)| *records > 0)
        .map(|(version, records)| format!("{} under version {version}", words::counted(*records, "record")))
        .collect();
    let known = if line.scanned_at.is_none() {
        format!(
            "It was never scanned, so nobody knows what stands there. Versions of {} are no longer held back for it: whoever destroys one loses for good what is sealed with it.",
            line.key
        )
    } else if versions.is_empty() {
        format!("The latest scan found nothing there that {} sealed.", line.key)
    } else {
        format!(
            "The latest scan found {}. They are no longer counted as needing {}: a version that nothing else needs can then be destroyed, and what is sealed with it is lost for good.",
            words::list(&versions),
            line.key
        )
    };
    let scans = "Its scans go from the census of the key. Its jobs stay in the list, as history. Records of it that readers met and that wait to be moved stay as they are.".to_owned();
    let copies = match view.copies.as_slice() {
        [] => "No copy of it is registered.".to_owned(),
        copies => format!(
            "Registered copies of it stay, and hold back the versions that they need: {}.",
            words::list(copies)
        ),
    };
    let programs = match &line.credential {
        Some(name) => {
            format!("Programs that read and write there notice nothing. The credential {name} stays.")
        }
        None => "Programs that read and write there notice nothing.".to_owned(),
    };
    vec![known, scans, copies, programs]
}
