//! The keyboard's way around: `/` goes to the search, Ctrl K opens a list of places.

use leptos::prelude::*;

/// Places that the palette offers.
const PLACES: [(&str, &str); 13] = [
    ("Overview", "/"),
    ("Credentials", "/credentials"),
    ("Rotations", "/rotations"),
    ("Keys", "/keys"),
    ("Re-encryption", "/reencryptions"),
    ("Needs a person", "/needs-a-person"),
    ("Expiries", "/expiries"),
    ("Issuers", "/issuers"),
    ("Consumers", "/consumers"),
    ("Recovery", "/recovery"),
    ("Root of trust", "/root"),
    ("Audit", "/audit"),
    ("Settings", "/settings"),
];

#[island]
pub fn Palette() -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    #[cfg(feature = "hydrate")]
    listen_for_keys(dialog, typed);
    let entries = move || {
        let wanted = typed.get().to_lowercase();
        let search = format!("/credentials?q={wanted}");
        PLACES
            .into_iter()
            .filter(|(label, _)| label.to_lowercase().contains(&wanted))
            .map(|(label, address)| (label.to_owned(), address.to_owned()))
            .chain((!wanted.is_empty()).then(|| (format!("Credentials with “{}”", typed.get()), search)))
            .map(|(label, address)| view! { <li><a class="palette__entry" href=address>{label}</a></li> })
            .collect_view()
    };
    view! {
        <dialog class="palette" node_ref=dialog aria-label="Go to">
            <form method="get" action="/credentials">
                <input
                    class="palette__input"
                    name="q"
                    autocomplete="off"
                    placeholder="Go to a page, or search credentials"
                    aria-label="Go to a page, or search credentials"
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
            </form>
            <ul class="palette__list">{entries}</ul>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
fn listen_for_keys(dialog: NodeRef<leptos::html::Dialog>, typed: RwSignal<String>) -> Option<()> {
    use leptos::wasm_bindgen::JsCast;

    let document = super::dom::document()?;
    super::dom::listen(&document, "keydown", move |event| {
        let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else {
            return;
        };
        let opens = (key.ctrl_key() || key.meta_key()) && key.key() == "k";
        let searches = key.key() == "/" && !is_typing();
        if opens {
            key.prevent_default();
            typed.set(String::new());
            if let Some(dialog) = dialog.get_untracked() {
                // Already open is as good as opened.
                let _ = dialog.show_modal();
            }
        } else if searches {
            key.prevent_default();
            focus_search();
        }
    });
    Some(())
}

#[cfg(feature = "hydrate")]
fn is_typing() -> bool {
    super::dom::document()
        .and_then(|document| document.active_element())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

#[cfg(feature = "hydrate")]
fn focus_search() -> Option<()> {
    use leptos::wasm_bindgen::JsCast;

    let search: web_sys::HtmlElement = super::dom::document()?
        .get_element_by_id("search")?
        .dyn_into()
        .ok()?;
    search.focus().ok()
}
