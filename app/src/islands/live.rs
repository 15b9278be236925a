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
        let is_pending = Rc::clone(&is_pending);
        super::dom::listen(&source, kind, move |_| {
            if is_pending.replace(true) {
                return;
            }
            let is_pending = Rc::clone(&is_pending);
            super::dom::after(SETTLE_MS, move || {
                is_pending.set(false);
                refresh(words);
            });
        });
    }
    super::dom::listen(&source, "open", move |_| {
        words.set("Live.");
        // What happened while the connection was being made, or was lost.
        refresh(words);
    });
    super::dom::listen(&source, "error", move |_| {
        words.set("The connection was lost; trying again. What you see may be old.");
    });
}

#[cfg(feature = "hydrate")]
fn refresh(words: RwSignal<&'static str>) {
    leptos::task::spawn_local(async move {
        let address = super::dom::window()
            .and_then(|window| window.location().href().ok())
            .unwrap_or_default();
        let worked = super::swap::swap_from(&address).await;
        words.set(if worked {
            "Live."
        } else {
            "The server does not answer; what you see may be old."
        });
    });
}
