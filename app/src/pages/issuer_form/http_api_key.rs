//! What Rota must know of a service with API keys: its requests, as templates.

use leptos::prelude::*;

use crate::components::field::{Checkbox, Field, TextArea};
use crate::components::form_page::group;
use crate::form::FormState;

pub(super) fn settings(state: &FormState) -> AnyView {
    view! {
        {group("Where it is", "", view! {
            <Field
                state=state.clone()
                name="base_url"
                label="Base address"
                hint="The paths below follow it, such as https://api.example.com. Redirects are not followed."
                kind="url"
                required=true
                autocomplete="off"
            />
            <Checkbox
                state=state.clone()
                name="allow_private_network"
                label="It is on a private network or on this machine"
                hint="Without this, private and loopback addresses are refused, so that nobody can use Rota to reach them."
            />
            <Checkbox
                state=state.clone()
                name="allow_plaintext"
                label="Accept plain HTTP beyond this machine"
                hint="Whoever reads the network learns the keys. Becomes a finding; say why below."
            />
            <TextArea
                state=state.clone()
                name="ca_pem"
                label="Certificate authority"
                hint="In PEM form. Left blank, the authorities that this machine trusts count."
                rows=3
            />
        }.into_any())}
        {group("Its requests", "Each is an object with method, path, and where needed headers, body and expect_status. {{admin_token}} stands for the administrator's token, {{label}} for the label by which Rota knows its keys again, {{key_id}} for a key's id, {{key}} for the key itself, {{variables.NAME}} for what a credential names in its settings. The examples are filled in; change what differs.", view! {
            <TextArea
                state=state.clone()
                name="create_request"
                label="Create a key"
                hint="Makes a second key beside the one in use."
                required=true
                rows=6
            />
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="create_id_pointer"
                    label="Where the new id stands"
                    hint="A JSON pointer into the reply, such as /data/id."
                    required=true
                    autocomplete="off"
                />
                <Field
                    state=state.clone()
                    name="create_secret_pointer"
                    label="Where the secret stands"
                    hint="Blank when Rota sends the secret itself, as {{key}} in the body."
                    autocomplete="off"
                />
            </div>
            <TextArea
                state=state.clone()
                name="test_request"
                label="Use a key"
                hint="Succeeds with a key that is accepted, and fails with 401 or 403 otherwise. It must change nothing."
                required=true
                rows=5
            />
            <TextArea
                state=state.clone()
                name="revoke_request"
                label="Revoke a key"
                hint="A key that is already gone counts as success: name 404 in expect_status."
                required=true
                rows=6
            />
            <TextArea
                state=state.clone()
                name="list_request"
                label="List the keys"
                hint="After an interruption Rota finds its own keys by their label here."
                required=true
                rows=5
            />
            <div class="form__row form__row--three">
                <Field state=state.clone() name="list_items_pointer" label="Where the list stands" required=true autocomplete="off" />
                <Field state=state.clone() name="list_id_pointer" label="An entry's id" required=true autocomplete="off" />
                <Field state=state.clone() name="list_label_pointer" label="An entry's label" required=true autocomplete="off" />
            </div>
        }.into_any())}
        <details class="more" open=has_probes(state)>
            <summary>"Permission probes"</summary>
            {group("Permission probes", "Tried with every new key before anybody gets it: a key that may do too much is taken back.", view! {
                <TextArea state=state.clone() name="forbidden_request" label="An act it must be refused" rows=3 />
            }.into_any())}
        </details>
    }
    .into_any()
}

fn has_probes(state: &FormState) -> bool {
    ["forbidden_request"]
        .iter()
        .any(|name| state.error(name).is_some() || state.value(name).is_some_and(|text| !text.is_empty()))
}

pub(super) fn administrator(state: &FormState, is_change: bool) -> AnyView {
    let text = if is_change {
        "Leave it blank to keep the token that is stored."
    } else {
        "It needs to create, list and revoke keys, and nothing else. It is sealed at once and never shown again."
    };
    view! {
        {group("The administrator's token", text, view! {
            <Field
                state=state.clone()
                name="token"
                label="Token"
                kind="password"
                required=!is_change
                autocomplete="new-password"
            />
        }.into_any())}
    }
    .into_any()
}
