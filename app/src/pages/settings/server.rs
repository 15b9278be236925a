//! How this server runs: facts, thresholds, the wrapping key, what is not as it should be.

use leptos::prelude::*;

use crate::components::finding_list::FindingList;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::forms::SubjectForm;
use crate::views::frame::Frame;
use crate::views::settings::SettingsView;
use crate::words;

pub(super) fn server(view: &SettingsView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let facts = view
        .running
        .iter()
        .cloned()
        .map(|line| {
            view! {
                <dt>{line.name}</dt>
                <dd>
                    <bdi>{line.value}</bdi>
                    <span class="reason">{line.source}</span>
                </dd>
            }
        })
        .collect_view();
    let findings = view.findings.clone();
    let has_findings = !findings.is_empty();
    view! {
        <div class="grid grid--two" id="server">
            <Panel title="Server" aside="set where it is started, not here">
                <dl class="facts">{facts}</dl>
            </Panel>
            <div class="stack">
                <Panel title="Findings about the server">
                    {if has_findings {
                        view! { <FindingList items=findings now /> }.into_any()
                    } else {
                        view! { <p class="lack">"None."</p> }.into_any()
                    }}
                </Panel>
                {wrapping_key(view, frame)}
                {thresholds(view)}
            </div>
        </div>
    }
    .into_any()
}

fn wrapping_key(view: &SettingsView, frame: &Frame) -> AnyView {
    let key = &view.wrapping_key;
    let rest = match key.to_rewrap {
        0 => "all of them under the present version.".to_owned(),
        number => format!(
            "{} still under an older version; they are rewrapped one by one.",
            words::count(number)
        ),
    };
    let (since, now) = (key.since, frame.now);
    let text = format!("Version {}, since ", key.version);
    let sealed = format!(
        ". {} sealed, {rest}",
        words::counted_as(key.sealed_values, "value is", "values are")
    );
    let rotate = view.may_administer.then(|| {
        view! {
            <details class="ask ask--start">
                <summary class="button">"Rotate the wrapping key"</summary>
                <form class="ask__sheet form" method="post" action="/settings">
                    <input type="hidden" name="action" value=SubjectForm::ROTATE_WRAPPING_KEY />
                    <p class="ask__effect">
                        {format!(
                            "A new version is made and {} rewrapped under it. No credential changes and nobody is refused; an interruption goes on where it stopped.",
                            words::counted_as(key.sealed_values, "sealed value is", "sealed values are"),
                        )}
                    </p>
                    <button class="button button--primary" type="submit">
                        "Rotate the wrapping key"
                    </button>
                </form>
            </details>
        }
    });
    view! {
        <Panel title="Wrapping key" aside="under which every secret is sealed">
            <p class="panel__text">{text} <Moment at=since style=Style::Relative now /> {sealed}</p>
            {rotate}
        </Panel>
    }
    .into_any()
}

fn thresholds(view: &SettingsView) -> AnyView {
    let limits = view.thresholds;
    view! {
        <Panel title="Thresholds" aside="where a credential names none of its own">
            <dl class="facts">
                <dt>"Fresh"</dt>
                <dd>{format!("younger than {}", words::duration(limits.yellow_from))}</dd>
                <dt>"Ageing"</dt>
                <dd>{format!("from {} on", words::duration(limits.yellow_from))}</dd>
                <dt>"Stale"</dt>
                <dd>{format!("from {} on", words::duration(limits.red_from))}</dd>
                <dt>"Absent instance"</dt>
                <dd>{format!("silent for {}", words::duration(limits.instance_ttl))}</dd>
            </dl>
        </Panel>
    }
    .into_any()
}
