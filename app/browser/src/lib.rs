//! The browser's half of the pages: a cdylib apart from `app`, so that native builds never link one.
//! On every target but wasm32 it is empty.

// Linked for what it exports to the browser: its islands, and `hydrate` which wakes them.
#[cfg(target_arch = "wasm32")]
use app as _;
