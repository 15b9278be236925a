//! What moves: the only code of this crate that runs in the browser.
//!
//! Each island works on HTML that the server made and is whole without it: an island that never wakes costs a convenience,
//! not a page.

pub mod copy;
pub mod live;
pub mod palette;
pub mod quick_filter;
pub mod theme;
pub mod times;

#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod swap;
