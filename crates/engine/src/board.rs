//! The overview's numbers.
