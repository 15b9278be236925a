//! The document around every page.

use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;

/// Where the browser's files are; made by the bundler, hashed by content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    pub css: String,
    /// Absent when no bundle was built: the pages then work without script.
    pub bundle: Option<Bundle>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    pub js: String,
    pub wasm: String,
}

/// What the viewer chose; a cookie named `rota_theme` carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const COOKIE: &str = "rota_theme";

    pub fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the cookie's value; anything unknown is the system's choice.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// The whole document; `nonce` is that of the reply's content security policy.
pub fn shell(assets: Assets, nonce: Option<String>, theme: Theme) -> AnyView {
    // Without this, resources and non-island parts would be serialised for a hydration that never happens.
    if let Some(shared_context) = Owner::current_shared_context() {
        shared_context.set_is_hydrating(false);
    }
    provide_context(theme);
    let scripts = assets.bundle.map(|bundle| scripts(&bundle, nonce));
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.slug()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=assets.css />
                {scripts}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
    .into_any()
}

/// Loads the islands when the browser is idle; the page is readable and its forms work long before.
fn scripts(bundle: &Bundle, nonce: Option<String>) -> AnyView {
    let boot = format!(
        "{}({:?},{:?});",
        include_str!("boot.js").trim_end().trim_end_matches(';'),
        bundle.js,
        bundle.wasm
    );
    view! {
        <link rel="modulepreload" href=bundle.js.clone() />
        <script type="module" nonce=nonce>{boot}</script>
    }
    .into_any()
}
