//! Filters that act while they are typed, by asking the server for the same page with the new address.

use leptos::prelude::*;

/// Watches the form with this id; without script its button does the same.
#[island]
pub fn QuickFilter(form: String) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    watch(&form);
    // A prop is owned; on the server nothing else is done with it.
    drop(form);
}

/// Long enough not to ask at every key, short enough to feel at once.
#[cfg(feature = "hydrate")]
const PAUSE_MS: i32 = 180;

#[cfg(feature = "hydrate")]
fn watch(id: &str) -> Option<()> {
    use std::cell::Cell;
    use std::rc::Rc;

    use leptos::wasm_bindgen::JsCast;

    let form: web_sys::HtmlFormElement = super::dom::document()?.get_element_by_id(id)?.dyn_into().ok()?;
    let typed = Rc::new(Cell::new(0_u32));
    let watched = form.clone();
    super::dom::listen(&form, "input", move |_| {
        let turn = typed.get().wrapping_add(1);
        typed.set(turn);
        let (typed, form) = (Rc::clone(&typed), watched.clone());
        super::dom::after(PAUSE_MS, move || {
            if typed.get() == turn {
                ask(&form);
            }
        });
    });
    Some(())
}

#[cfg(feature = "hydrate")]
fn ask(form: &web_sys::HtmlFormElement) -> Option<()> {
    use leptos::wasm_bindgen::JsValue;

    let data = web_sys::FormData::new_with_form(form).ok()?;
    let query = web_sys::UrlSearchParams::new_with_record_from_str_to_str(&js_sys::Object::new()).ok()?;
    for entry in data.entries() {
        let pair = js_sys::Array::from(&entry.ok()?);
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string())
            && !value.is_empty()
        {
            query.append(&name, &value);
        }
    }
    let query = query.to_string().as_string().unwrap_or_default();
    let path = super::dom::window()?.location().pathname().ok()?;
    let address = if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    };
    leptos::task::spawn_local(async move {
        if super::swap::swap_from(&address).await
            && let Some(history) = super::dom::window().and_then(|window| window.history().ok())
        {
            // A refused address only means that the back button is one step off.
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
        }
    });
    Some(())
}
