//! The page before a credential is deleted: what is lost, what is not, who is cut off.

use leptos::prelude::*;

use super::{Heading, page, parameter};
use crate::components::field::{Checkbox, Field};
use crate::components::form_page::form_page;
use crate::components::frame::{Crumb, Place};
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::components::states::ErrorState;
use crate::form::FormState;
use crate::reader::ReadError;
use crate::views::credential::{CredentialView, InstanceHealth, RotationPlan, VersionState};
use crate::words;

#[component]
pub fn DeleteCredentialPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Credentials, "Delete").below("Credentials", "/credentials");
    heading.crumbs.push(Crumb {
        label: name.clone(),
        address: format!("/credentials/{}", words::segment(&name)),
    });
    page(
        heading,
        move |reader| async move { reader.credential(&name).await },
        |view, _| draw(&view),
    )
}

fn draw(view: &CredentialView) -> AnyView {
    if !view.may_operate {
        crate::reply::ReplyStatus::set(403);
        return view! { <ErrorState error=ReadError::Forbidden /> }.into_any();
    }
    match &view.plan {
        RotationPlan::Blocked { reason, rotation } => blocked(view, reason, rotation.as_deref()),
        RotationPlan::Ready { .. } => ask(view),
    }
}

fn blocked(view: &CredentialView, reason: &str, rotation: Option<&str>) -> AnyView {
    let address = rotation.map_or_else(
        || format!("/credentials/{}", words::segment(&view.line.name)),
        |id| format!("/rotations/{}", words::segment(id)),
    );
    view! {
        <Sentence>{format!("{} cannot be deleted right now.", view.line.name)}</Sentence>
        <p class="panel__text">{format!("{reason} End it first: until then its issuer may hold a version that only Rota knows.")}</p>
        <p class="form__end">
            <a class="button button--primary" href=address>
                "Go there"
            </a>
        </p>
    }
    .into_any()
}

fn ask(view: &CredentialView) -> AnyView {
    let state = FormState::current();
    let name = view.line.name.clone();
    let back = format!("/credentials/{}", words::segment(&name));
    let points = consequences(view)
        .into_iter()
        .map(|text| view! { <li>{text}</li> })
        .collect_view();
    form_page(
        format!("Delete {name}?"),
        "Rota forgets this credential. This cannot be undone.",
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
                    {format!("Delete {name}")}
                </button>
                <a class="button" href=back>
                    "Keep it"
                </a>
            </div>
        }
        .into_any(),
    )
}

/// What is lost, who is cut off, what stays.
fn consequences(view: &CredentialView) -> Vec<String> {
    let live = view
        .consumers
        .iter()
        .flat_map(|consumer| &consumer.instances)
        .filter(|instance| instance.health != InstanceHealth::Absent)
        .count() as u64;
    let fetch = if live == 0 {
        "No live instance fetches it now; whoever asks for it later is told that it does not exist."
            .to_owned()
    } else {
        format!(
            "{} of {} can no longer fetch it. What they hold keeps working until {} stops accepting it.",
            words::counted(live, "live instance"),
            words::counted(view.consumers.len() as u64, "consumer"),
            view.issuer,
        )
    };
    let shredded = format!(
        "The sealed values of {} are shredded; no backup of this database made later holds them.",
        words::counted(view.versions.len() as u64, "version")
    );
    let accepted: Vec<String> = view
        .versions
        .iter()
        .filter(|lane| matches!(lane.state, VersionState::Current | VersionState::Previous))
        .map(|lane| format!("version {}", lane.number))
        .collect();
    let issuer = if accepted.is_empty() {
        format!("{} accepts none of its versions.", view.issuer)
    } else {
        format!(
            "{} still accepts {}: Rota revokes nothing there. To have it refused, revoke it at the issuer.",
            view.issuer,
            words::list(&accepted)
        )
    };
    let kept = "Its rotations and the audit trail stay. Its name becomes free.".to_owned();
    vec![fetch, shredded, issuer, kept]
}
