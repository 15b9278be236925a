//! How a program uses its token: commands to copy.

use leptos::prelude::*;

use crate::components::panel::Panel;
use crate::components::shown_once::Command;
use crate::words;

/// With the first of its credentials, or a stand-in until it has one.
pub(in crate::pages) fn usage(consumer: &str, credentials: &[String], server_url: &str) -> AnyView {
    let credential = credentials.first().map_or("NAME", String::as_str);
    let server = server_url.trim_end_matches('/');
    let run = format!(
        "export ROTA_SERVER={server}\nexport ROTA_TOKEN_FILE=/run/secrets/rota-token\nrota run --credential {credential} -- ./your-program"
    );
    let curl = format!(
        "curl --fail \\\n     --header \"Authorization: Bearer $(cat /run/secrets/rota-token)\" \\\n     --header \"X-Rota-Instance: $(hostname)\" \\\n     {server}/api/v1/delivery/{}",
        words::segment(credential)
    );
    let report = format!(
        "curl --fail \\\n     --header \"Authorization: Bearer $(cat /run/secrets/rota-token)\" \\\n     --header \"X-Rota-Instance: $(hostname)\" \\\n     --json '{{\"version\": 1, \"status\": \"loaded\"}}' \\\n     {server}/api/v1/delivery/{credential}/acks"
    );
    let text = format!(
        "Keep the token of {consumer} in a file that only the program may read. Every running copy names itself in X-Rota-Instance, so that waves can move through them."
    );
    view! {
        <Panel title="How its programs use it" aside="click a command to select it">
            <p class="panel__text">{text}</p>
            <div class="grid grid--two">
                <div class="stack">
                    <h3>"Around any program"</h3>
                    <p class="panel__text">
                        "Starts it with the values, restarts or signals it when they change, and acknowledges the version once it runs."
                    </p>
                    <Command text=run />
                </div>
                <div class="stack">
                    <h3>"By hand, to see what it gets"</h3>
                    <Command text=curl />
                    <p class="panel__text">"And to say that it has loaded a version:"</p>
                    <Command text=report />
                </div>
            </div>
        </Panel>
    }
    .into_any()
}
