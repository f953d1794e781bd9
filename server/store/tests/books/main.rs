//! The books on a real, fresh database, worked on with the rights of the server.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod address;
mod funds;
mod late;
mod ledger;
mod prices;
mod proof;
mod reports;
mod rights;
mod support;
