//! A titled part of a page.

use leptos::prelude::*;

#[component]
pub fn Panel(
    #[prop(into)] title: String,
    /// A short remark beside the title.
    #[prop(optional, into)]
    aside: Option<String>,
    /// The key under which the live page replaces it.
    #[prop(optional)]
    live: Option<&'static str>,
    /// Further class names.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <section class=format!("panel {class}") data-live=live>
            <header class="panel__head">
                <h2 class="panel__title">{title}</h2>
                {aside.map(|text| view! { <p class="panel__aside">{text}</p> })}
            </header>
            {children()}
        </section>
    }
    .into_any()
}
