//! The sentence that opens every page.

use leptos::prelude::*;

/// Says the state of what the page is about; the page's only `h1`.
#[component]
pub fn Sentence(
    /// What stands at the far end: spans, buttons.
    #[prop(optional, into)]
    end: ViewFn,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="sentence">
            <h1 class="sentence__text" data-live="sentence">
                {children()}
            </h1>
            <div class="sentence__end">{end.run()}</div>
        </div>
    }
    .into_any()
}
