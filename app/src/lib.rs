//! The pages: Leptos islands, HTML first.
//!
//! Every page is complete without script. The browser's half of this crate (feature `hydrate`) holds the islands and nothing
//! else; pages, components and charts exist on the server only (feature `ssr`), so that the wasm stays small.
//!
//! # To add a page
//! 1. `views/<noun>.rs`: a plain struct with every figure that the page shows, and a method in [`reader::Reader`] that
//!    answers with it. Nothing is computed in the page but words.
//! 2. `pages/<noun>/mod.rs`: a component that calls [`pages::page`] with the question, the title and the drawing; its parts
//!    stand in files beside it and move to `components/` at the second user.
//!    Parts of one page are plain functions; what several share is a `#[component]`.
//! 3. `app.rs`: one line in the route table; `examples/gallery.rs`: a fixture, so that it can be looked at; a line in the
//!    rail (`components/frame.rs`) if people should find it there.
//!
//! # Forms
//! A form is `<form method="post">` to the page's own address, with the verb in a field named `action` where a page has
//! several. The server answers 303 on success; on refusal it renders the same page as 422 with a [`form::FormState`] in
//! context, which [`components::field::Field`] reads. Same-origin is checked by the server, so no token field is needed.
//! No secret ever comes back in a form.
//!
//! # Rules
//! - No `style=` attribute and no inline script: the content security policy refuses both. Sizes that depend on data are SVG
//!   attributes, in percent where text must keep its size.
//! - Colour is for state, always with a word or a shape. Colours, spaces and sizes stand in `style/tokens.css` only.
//! - A part that changes while it is looked at carries `data-live="<key>"`; `islands/live.rs` swaps it.

pub mod islands;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod charts;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
pub mod forms;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod reader;
#[cfg(feature = "ssr")]
pub mod reply;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod views;
#[cfg(feature = "ssr")]
pub mod words;

/// The browser's entry: called once by the boot script, before the islands are hydrated.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
