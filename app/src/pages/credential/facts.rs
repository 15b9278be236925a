//! The policy in words, what the credential is for, and what is wrong with it.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::badge::Badge;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::credential::{CredentialView, FindingLine, PolicyView};
use crate::words;

pub(super) fn facts(view: &CredentialView) -> AnyView {
    let (purpose, strategy, issuer_kind) = (
        view.purpose.clone(),
        view.strategy.clone(),
        view.issuer_kind.clone(),
    );
    let (issuer, issuer_address) = (
        view.issuer.clone(),
        format!("/issuers/{}", words::segment(&view.issuer)),
    );
    let backup_contact = view.backup_contact.clone().unwrap_or_else(|| "none".into());
    let policy_words = policy(&view.policy);
    let tags = (!view.tags.is_empty()).then(|| {
        view! {
            <dt>"Tags"</dt>
            <dd>
                <bdi>{view.tags.join(", ")}</bdi>
            </dd>
        }
    });
    let change = view.may_administer.then(|| {
        view! {
            <p>
                <a href=format!("/credentials/{}/edit", words::segment(&view.line.name))>"Change"</a>
            </p>
        }
    });
    view! {
        <Panel title="Policy">
            <p class="panel__text">{policy_words}</p>
            <dl class="facts">
                <dt>"Purpose"</dt>
                <dd>
                    <bdi>{purpose}</bdi>
                </dd>
                <dt>"Issuer"</dt>
                <dd>
                    <a href=issuer_address>
                        <bdi class="mono">{issuer}</bdi>
                    </a>
                    " ("
                    {issuer_kind}
                    ")"
                </dd>
                <dt>"Strategy"</dt>
                <dd>{strategy}</dd>
                <dt>"Backup contact"</dt>
                <dd>
                    <bdi>{backup_contact}</bdi>
                </dd>
                {tags}
            </dl>
            {change}
        </Panel>
    }
    .into_any()
}

/// The policy as two sentences.
fn policy(policy: &PolicyView) -> String {
    let waves: Vec<String> = policy.waves.iter().map(|percent| format!("{percent}%")).collect();
    let approvals = match policy.approvals {
        0 => "nobody needs to approve".to_owned(),
        number => format!("{} first", words::counted(u64::from(number), "approval")),
    };
    let evidence = match policy.evidence.as_str() {
        "acks_and_probe" => {
            "Acknowledgements and a probe are the evidence: these consumers report no outcomes."
        }
        _ => "Reported outcomes are the evidence.",
    };
    format!(
        "Rotates every {}, in waves of {} with {} of soak each; {approvals}. The old version stays accepted for at least {} after. {evidence}",
        words::duration(policy.max_age),
        words::list(&waves),
        words::duration(policy.soak),
        words::duration(policy.grace),
    )
}

pub(super) fn findings(findings: &[FindingLine], now: OffsetDateTime) -> AnyView {
    if findings.is_empty() {
        return view! {
            <Panel title="Findings">
                <p class="lack">"Nothing is wrong with it."</p>
            </Panel>
        }
        .into_any();
    }
    let lines = findings
        .iter()
        .cloned()
        .map(|finding| {
            view! {
                <li class="need">
                    <div class="need__what">
                        <Badge tone=finding.severity word=finding.severity.word() />
                        <p class="need__text">{finding.title}</p>
                        <p class="need__who">
                            {finding.remedy} " Since " <Moment at=finding.since style=Style::Relative now /> "."
                        </p>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <Panel title="Findings">
            <ul>{lines}</ul>
        </Panel>
    }
    .into_any()
}
