//! Light, dark or as the system has it; kept in a cookie, so that the server draws the next page right.

use leptos::prelude::*;

/// Hidden until it can work: without script the settings page does the same.
#[island]
pub fn ThemeSwitch(initial: String) -> impl IntoView {
    let theme = RwSignal::new(initial);
    let advance = move |_| {
        theme.update(|theme| *theme = next(theme).to_owned());
        #[cfg(feature = "hydrate")]
        keep(&theme.get_untracked());
    };
    view! {
        <button class="theme-switch button button--quiet" type="button" on:click=advance>
            <span class="hidden">"Colours: "</span>
            {move || words(&theme.get())}
        </button>
    }
}

fn next(theme: &str) -> &'static str {
    match theme {
        "system" => "light",
        "light" => "dark",
        _ => "system",
    }
}

fn words(theme: &str) -> &'static str {
    match theme {
        "light" => "Light",
        "dark" => "Dark",
        _ => "Auto",
    }
}

#[cfg(feature = "hydrate")]
fn keep(theme: &str) -> Option<()> {
    use leptos::wasm_bindgen::JsCast;

    let document: web_sys::HtmlDocument = super::dom::document()?.dyn_into().ok()?;
    document
        .document_element()?
        .set_attribute("data-theme", theme)
        .ok()?;
    document
        .set_cookie(&format!(
            "rota_theme={theme}; path=/; max-age=31536000; samesite=lax"
        ))
        .ok()
}
