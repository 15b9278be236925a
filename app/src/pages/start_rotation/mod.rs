//! The page before a rotation: what it will do, to whom, and what cannot be promised.

use leptos::prelude::*;

use super::credential::effect;
use super::{Heading, page, parameter};
use crate::components::field::{Checkbox, Field};
use crate::components::form_page::form_page;
use crate::components::frame::{Crumb, Place};
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::components::states::ErrorState;
use crate::form::FormState;
use crate::forms::RotationForm;
use crate::reader::ReadError;
use crate::views::credential::{CredentialView, RotationPlan};
use crate::words;

#[component]
pub fn StartRotationPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Credentials, "Rotate now").below("Credentials", "/credentials");
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
        RotationPlan::Ready { .. } => ready(view),
    }
}

fn blocked(view: &CredentialView, reason: &str, rotation: Option<&str>) -> AnyView {
    let credential = format!("/credentials/{}", words::segment(&view.line.name));
    let next = match rotation {
        Some(id) => view! {
            <a class="button button--primary" href=format!("/rotations/{}", words::segment(id))>
                "Watch the rotation"
            </a>
        }
        .into_any(),
        None => view! {
            <a class="button button--primary" href=credential>
                "Back to the credential"
            </a>
        }
        .into_any(),
    };
    view! {
        <Sentence>{format!("{} cannot rotate right now.", view.line.name)}</Sentence>
        <p class="panel__text">{reason.to_owned()}</p>
        <p class="form__end">{next}</p>
    }
    .into_any()
}

fn ready(view: &CredentialView) -> AnyView {
    let state = FormState::current();
    let back = format!("/credentials/{}", words::segment(&view.line.name));
    let warning = view
        .strategy_warning
        .clone()
        .map(|text| view! { <p class="notice notice--ageing">{text}</p> });
    let services = view
        .consumers
        .iter()
        .map(|consumer| {
            view! {
                <li>
                    <bdi class="mono">{consumer.service.clone()}</bdi>
                    " "
                    {words::counted(consumer.instances.len() as u64, "instance")}
                </li>
            }
        })
        .collect_view();
    form_page(format!("Rotate {} now?", view.line.name), effect(&view.plan), state.clone(), view! {
            <input type="hidden" name="action" value=RotationForm::ACTION />
            {warning}
            {(!view.consumers.is_empty())
                .then(|| {
                    view! {
                        <Panel title="Who moves">
                            <ul class="plain-list">{services}</ul>
                        </Panel>
                    }
                })}
            <Field
                state=state.clone()
                name="reason"
                label="Reason"
                hint="Stands in the audit trail."
                required=true
                autocomplete="off"
            />
            <Checkbox
                state
                name="emergency"
                label="Emergency"
                hint="For a leak: skips freeze and soak, and ends a running grace. Approvals are still needed. Who was cut off is recorded."
            />
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    "Rotate now"
                </button>
                <a class="button button--quiet" href=back>
                    "Not now"
                </a>
            </div>
        }.into_any())
}
