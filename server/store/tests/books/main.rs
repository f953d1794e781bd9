//! The books on a real, fresh database, worked on with the rights of the server.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod funds;
mod ledger;
mod proof;
mod rights;
mod support;
mod together;
