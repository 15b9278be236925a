//! Fields of forms: label, hint, error, all tied together.

use leptos::prelude::*;

use crate::form::FormState;

/// A line of text. With `kind="password"` the typed value never comes back.
#[component]
pub fn Field(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(default = "text")] kind: &'static str,
    /// The value before anything was typed.
    #[prop(optional, into)]
    value: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] pattern: Option<&'static str>,
    #[prop(optional)] placeholder: Option<&'static str>,
    /// The id of a `Suggestions`: values offered while typing.
    #[prop(optional)]
    list: Option<&'static str>,
    /// Distinguishes two fields of the same name on one page.
    #[prop(optional, into)]
    id_prefix: String,
) -> impl IntoView {
    let typed = if kind == "password" {
        None
    } else {
        state.value(name).or(value)
    };
    let around = Around::new(&state, &id_prefix, name, hint);
    view! {
        <div class="field" data-invalid=around.is_invalid()>
            {around.label(label, required)} {around.hint()}
            <input
                class="field__input"
                id=around.id.clone()
                name=name
                type=kind
                value=typed
                required=required
                autocomplete=autocomplete
                pattern=pattern
                placeholder=placeholder
                list=list
                aria-describedby=around.described_by()
                aria-invalid=around.is_invalid()
            /> {around.error()}
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn TextArea(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(default = 3)] rows: u32,
    #[prop(optional, into)] id_prefix: String,
) -> impl IntoView {
    let typed = state.value(name).or(value).unwrap_or_default();
    let around = Around::new(&state, &id_prefix, name, hint);
    view! {
        <div class="field" data-invalid=around.is_invalid()>
            {around.label(label, required)} {around.hint()}
            <textarea
                class="field__input"
                id=around.id.clone()
                name=name
                rows=rows.to_string()
                required=required
                aria-describedby=around.described_by()
                aria-invalid=around.is_invalid()
            >
                {typed}
            </textarea> {around.error()}
        </div>
    }
    .into_any()
}

/// One of several values.
#[component]
pub fn Select(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    /// Value and words.
    choices: Vec<(String, String)>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] id_prefix: String,
) -> impl IntoView {
    let chosen = state.value(name).or(value).unwrap_or_default();
    let around = Around::new(&state, &id_prefix, name, hint);
    let options = choices
        .into_iter()
        .map(|(value, words)| {
            let selected = value == chosen;
            view! {
                <option value=value selected=selected>
                    {words}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field" data-invalid=around.is_invalid()>
            {around.label(label, required)} {around.hint()}
            <select
                class="field__input"
                id=around.id.clone()
                name=name
                required=required
                aria-describedby=around.described_by()
                aria-invalid=around.is_invalid()
            >
                {options}
            </select> {around.error()}
        </div>
    }
    .into_any()
}

/// Yes or no.
#[component]
pub fn Checkbox(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(default = "true")] value: &'static str,
    #[prop(optional)] checked: bool,
    #[prop(optional, into)] id_prefix: String,
) -> impl IntoView {
    let is_checked = if state.values.is_empty() {
        checked
    } else {
        state.value(name).is_some_and(|typed| typed == value)
    };
    let around = Around::new(&state, &id_prefix, name, hint);
    view! {
        <div class="field field--check" data-invalid=around.is_invalid()>
            <input
                class="field__check"
                id=around.id.clone()
                name=name
                type="checkbox"
                value=value
                checked=is_checked
                aria-describedby=around.described_by()
                aria-invalid=around.is_invalid()
            />
            <div>{around.label(label, true)} {around.hint()} {around.error()}</div>
        </div>
    }
    .into_any()
}

/// What stands around an input: ids that tie label, hint and error to it.
struct Around {
    id: String,
    hint: Option<String>,
    error: Option<String>,
}

impl Around {
    fn new(state: &FormState, prefix: &str, name: &str, hint: Option<String>) -> Self {
        let id = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}-{name}")
        };
        Self {
            id,
            hint,
            error: state.error(name),
        }
    }

    fn is_invalid(&self) -> Option<&'static str> {
        self.error.as_ref().map(|_| "true")
    }

    fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        let ids: Vec<String> = error.into_iter().chain(hint).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn label(&self, label: String, required: bool) -> AnyView {
        let optional = (!required).then(|| view! { <span class="field__optional">" (optional)"</span> });
        view! {
            <label class="field__label" for=self.id.clone()>
                {label}
                {optional}
            </label>
        }
        .into_any()
    }

    fn hint(&self) -> AnyView {
        let id = format!("{}-hint", self.id);
        self.hint
            .clone()
            .map(|hint| {
                view! {
                    <p class="field__hint" id=id>
                        {hint}
                    </p>
                }
            })
            .into_any()
    }

    fn error(&self) -> AnyView {
        let id = format!("{}-error", self.id);
        self.error
            .clone()
            .map(|error| {
                view! {
                    <p class="field__error" id=id>
                        {error}
                    </p>
                }
            })
            .into_any()
    }
}
