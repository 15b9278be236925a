//! The services on a real store, and where an issuer is needed, on a real PostgreSQL.

mod access;
mod audit;
mod catalog;
mod house;
mod seal;
