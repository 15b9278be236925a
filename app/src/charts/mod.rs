//! Charts, drawn on the server as SVG; the browser swaps them whole.
//!
//! Series are plotted by `plotters` into a box that stretches; words and threshold lines stand beside it at their own size,
//! so that they can be read on a phone. Colours are classes, never values.

#![expect(clippy::needless_pass_by_value, reason = "components own their props")]

pub mod bands;
pub mod job;
pub mod plot;
pub mod rates;
pub mod sparkline;
pub mod versions;
