//! Takes a text of the page to the clipboard; without script the text is there to be selected.

use leptos::prelude::*;

/// Copies the text of the element with this id; says when it has.
#[island]
pub fn CopyButton(from: String) -> impl IntoView {
    let words = RwSignal::new("Copy as text");
    let copy = move |_| {
        #[cfg(feature = "hydrate")]
        take(&from, words);
        // On the server nothing is copied.
        #[cfg(not(feature = "hydrate"))]
        let _ = (&from, words);
    };
    view! {
        <button class="button button--quiet scripted" type="button" aria-live="polite" on:click=copy>
            {move || words.get()}
        </button>
    }
}

#[cfg(feature = "hydrate")]
const REFUSED: &str = "Select it under “As text”";
#[cfg(feature = "hydrate")]
const SAID_MS: i32 = 2_000;

#[cfg(feature = "hydrate")]
fn take(id: &str, words: RwSignal<&'static str>) -> Option<()> {
    let text = super::dom::document()?.get_element_by_id(id)?.text_content()?;
    let clipboard = super::dom::window()?.navigator().clipboard();
    // Absent where the page came over plain HTTP from another machine.
    if clipboard.is_undefined() {
        words.set(REFUSED);
        return None;
    }
    leptos::task::spawn_local(async move {
        let written = wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text.trim())).await;
        words.set(if written.is_ok() { "Copied" } else { REFUSED });
        super::dom::after(SAID_MS, move || words.set("Copy as text"));
    });
    Some(())
}
