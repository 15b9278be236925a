//! The way on through a long list.

use leptos::prelude::*;

use crate::words;

#[component]
pub fn Pagination(
    shown: usize,
    total: u64,
    /// "credential"; its plural takes an s.
    noun: &'static str,
    /// The address of the next page, when there is one.
    next: Option<String>,
    /// The address of the first page, when this is not it.
    #[prop(optional_no_strip)]
    first: Option<String>,
) -> impl IntoView {
    let shown = shown as u64;
    let says = if shown < total {
        format!("{} of {}", words::count(shown), words::counted(total, noun))
    } else {
        words::counted(total, noun)
    };
    view! {
        <nav class="pagination" aria-label="Pages of the list">
            <p class="pagination__count">{says}</p>
            {first.map(|address| view! { <a class="button" href=address>"First page"</a> })}
            {next.map(|address| view! { <a class="button" href=address rel="next">"Next page"</a> })}
        </nav>
    }
    .into_any()
}
