//! Every example of the contract (DESIGN.md, section 6) goes in and comes out again unchanged.

#[cfg(test)]
mod examples;
