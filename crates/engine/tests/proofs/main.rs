//! Proofs by cutting (issue 2 §10): every act of every rotation is repeated, failed, and died around, against a real
//! store on disk and real issuers. Only the clock, randomness, the network's failures and death are faked.
//!
//! `fault` says what goes wrong, `cut` puts it between the engine and a connector, `site` is the issuer seen by a
//! route of the test's own, `house` the server's inside that dies and comes back, `proof` drives and checks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of tests stop at the first surprise, as the tests do"
)]

mod back;
mod cut;
mod fault;
mod fencing;
mod first;
mod forward;
mod house;
mod key_service;
mod proof;
mod site;
mod states;
