//! Moving data on real stores: whatever dies and whoever writes beside it, nothing is lost, skipped or overwritten.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop at the first surprise, as the tests do"
)]

mod house;
mod kills;
mod lazy;
mod life;
mod place;
