//! The policy of a key in words, and how a program uses it.

use leptos::prelude::*;

use crate::components::panel::Panel;
use crate::views::key::{KeyPolicyView, KeyView};
use crate::words;

pub(super) fn facts(view: &KeyView) -> AnyView {
    let policy = policy(&view.policy);
    let callers = if view.policy.callers.is_empty() {
        match view.line.sensitivity.as_str() {
            "critical" => "administrators".to_owned(),
            _ => "operators and administrators".to_owned(),
        }
    } else {
        view.policy.callers.join(", ")
    };
    let export = if view.policy.exportable {
        "allowed, wrapped for whoever imports it"
    } else {
        "never: its material does not leave"
    };
    let minimum = format!("version {} on", view.policy.minimum_version);
    let description = view.description.clone().unwrap_or_else(|| "not said".to_owned());
    let tags = (!view.tags.is_empty()).then(|| {
        let tags = view
            .tags
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect::<Vec<_>>();
        view! {
            <dt>"Tags"</dt>
            <dd>
                <bdi>{tags.join(", ")}</bdi>
            </dd>
        }
    });
    view! {
        <Panel title="Policy">
            <p class="panel__text">{policy}</p>
            <dl class="facts">
                <dt>"Purpose"</dt>
                <dd>
                    <bdi>{description}</bdi>
                </dd>
                <dt>"Who may use it"</dt>
                <dd>
                    <bdi>{callers}</bdi>
                </dd>
                <dt>"Export"</dt>
                <dd>{export}</dd>
                <dt>"Opens from"</dt>
                <dd>{minimum}</dd>
                {tags}
            </dl>
        </Panel>
    }
    .into_any()
}

fn policy(policy: &KeyPolicyView) -> String {
    let age = policy.rotate_every.map_or_else(
        || "A person replaces the active version.".to_owned(),
        |every| format!("The active version is replaced every {}", words::duration(every)),
    );
    let uses = if policy.rotate_every.is_some() {
        format!(
            " or after {}, whichever comes first.",
            words::counted(policy.max_uses, "use")
        )
    } else {
        format!(
            " It is replaced by itself after {} all the same.",
            words::counted(policy.max_uses, "use")
        )
    };
    format!(
        "{age}{uses} A version counts as drained when nothing of it was opened for {}.",
        words::duration(policy.grace)
    )
}

pub(super) fn usage(view: &KeyView) -> AnyView {
    let (operation, body) = match view.line.purpose.as_str() {
        "sign" => ("sign", r#"{"message":"aGVsbG8="}"#),
        "authenticate" => ("hmac", r#"{"message":"aGVsbG8="}"#),
        _ => ("encrypt", r#"{"plaintext":"aGVsbG8=","context":"orders/42"}"#),
    };
    let command = format!(
        "curl -H \"Authorization: Bearer $TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}' \\\n  {}/api/v1/keys/{}/{operation}",
        view.server_url.trim_end_matches('/'),
        words::segment(&view.line.name),
    );
    view! {
        <Panel title="Use it" aside="values are base64">
            <pre class="command" tabindex="0">
                {command}
            </pre>
            <p class="lack">"Each reply names the version that was used; what was sealed opens as long as its version does."</p>
        </Panel>
    }
    .into_any()
}
