//! What Rota must know of a PostgreSQL server.

use leptos::prelude::*;

use crate::components::choice::{Choice, RadioList};
use crate::components::field::{Checkbox, Field, TextArea};
use crate::components::form_page::group;
use crate::form::FormState;

pub(super) fn settings(state: &FormState) -> AnyView {
    let modes = vec![
        Choice::new(
            "verify-full",
            "Encrypted, and the server proves its name",
            "verify-full. The certificate and the host name are checked. The safe choice.",
        ),
        Choice::new(
            "verify-ca",
            "Encrypted, and the certificate is checked",
            "verify-ca. The host name is not: another machine of the same authority could answer in its place.",
        ),
        Choice::new(
            "require",
            "Encrypted only",
            "require. Nobody can read along, but another machine may answer in its place. Becomes a finding.",
        ),
        Choice::new(
            "disable",
            "Plain text",
            "disable. Only for a server on this machine; elsewhere whoever reads the network learns the passwords.",
        ),
    ];
    view! {
        {group("Where it is", "", view! {
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="host"
                    label="Host"
                    hint="As consumers reach it: they are handed this address."
                    required=true
                    autocomplete="off"
                />
                <Field state=state.clone() name="port" label="Port" hint="5432 unless somebody changed it." required=true autocomplete="off" />
            </div>
            <Field state=state.clone() name="database" label="Database" hint="The one that consumers connect to." required=true autocomplete="off" />
        }.into_any())}
        {group("How the connection is protected", "", view! {
            <RadioList state=state.clone() name="sslmode" label="Encryption" choices=modes />
            <TextArea
                state=state.clone()
                name="ca_pem"
                label="Certificate authority"
                hint="In PEM form, starting with -----BEGIN CERTIFICATE-----. Left blank, the authorities that this machine trusts count."
                rows=4
            />
            <Checkbox
                state=state.clone()
                name="allow_plaintext"
                label="Accept plain text beyond this machine"
                hint="Only with encryption set to plain text. Becomes a finding; say why below."
            />
        }.into_any())}
    }
    .into_any()
}

pub(super) fn administrator(state: &FormState, is_change: bool) -> AnyView {
    let text = if is_change {
        "Leave both blank to keep the administrator that is stored."
    } else {
        "A login with CREATEROLE, and on version 16 or later with the admin option on the roles it rotates. A superuser works too and becomes a finding. The password is sealed at once and never shown again."
    };
    view! {
        {group("The administrator", text, view! {
            <div class="form__row">
                <Field state=state.clone() name="username" label="Login" required=!is_change autocomplete="off" />
                <Field
                    state=state.clone()
                    name="password"
                    label="Password"
                    kind="password"
                    required=!is_change
                    autocomplete="new-password"
                />
            </div>
        }.into_any())}
    }
    .into_any()
}
