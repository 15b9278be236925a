//! A page that follows server-sent events: on each, its live parts are made again by the server and swapped.

use leptos::prelude::*;

/// Follows the events at `events`; says in words whether it does.
#[island]
pub fn Live(events: String) -> impl IntoView {
    let words = RwSignal::new("Reload the page to see changes.");
    #[cfg(feature = "hydrate")]
    follow(&events, words);
    // A prop is owned; on the server nothing else is done with it.
    drop(events);
    view! {
        <p class="live" role="status">
            {move || words.get()}
        </p>
    }
}

/// Events come in bursts; one swap answers all that arrive within this time.
#[cfg(feature = "hydrate")]
const SETTLE_MS: i32 = 150;

#[cfg(feature = "hydrate")]
fn follow(events: &str, words: RwSignal<&'static str>) {
    use std::cell::Cell;
    use std::rc::Rc;

    let Ok(source) = web_sys::EventSource::new(events) else {
        return;
    };
    let is_pending = Rc::new(Cell::new(false));
    for kind in ["step", "signal", "state"] {
        let (is_pending, listened) = (Rc::clone(&is_pending), source.clone());
        super::dom::listen(&source, kind, move |_| {
            if is_pending.replace(true) {
                return;
            }
            let (is_pending, source) = (Rc::clone(&is_pending), listened.clone());
            super::dom::after(SETTLE_MS, move || {
                is_pending.set(false);
                refresh(source, words);
            });
        });
    }
    // What happened while the connection was being made, or was lost.
    let opened = source.clone();
    super::dom::listen(&source, "open", move |_| refresh(opened.clone(), words));
    super::dom::listen(&source, "error", move |_| {
        if !is_over() {
            words.set("The connection was lost; trying again. What you see may be old.");
        }
    });
}

/// Whether the page says that nothing more will happen.
#[cfg(feature = "hydrate")]
fn is_over() -> bool {
    !super::dom::all("[data-over]").is_empty()
}

#[cfg(feature = "hydrate")]
fn refresh(source: web_sys::EventSource, words: RwSignal<&'static str>) {
    leptos::task::spawn_local(async move {
        let worked = super::swap::swap_from(&super::dom::address()).await;
        if is_over() {
            source.close();
            words.set("It is over: nothing more will change.");
        } else {
            words.set(if worked {
                "Live."
            } else {
                "The server does not answer; what you see may be old."
            });
        }
    });
}

/// Brings the live parts of a page up to date every few seconds, while somebody looks at it.
#[island]
pub fn KeepFresh() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    super::dom::every(FRESH_MS, || {
        if super::dom::document().is_none_or(|document| document.hidden()) {
            return;
        }
        leptos::task::spawn_local(async {
            // Until the next turn the page stays as it is.
            let _ = super::swap::swap_from(&super::dom::address()).await;
        });
    });
}

#[cfg(feature = "hydrate")]
const FRESH_MS: i32 = 4_000;
