//! The books on a real, fresh database, worked on with the rights of the server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly and tells its figures"
)]

mod address;
mod ahead;
mod attempts;
mod by_id;
mod cached;
mod days;
mod disabled;
mod funds;
mod health;
mod late;
mod later;
mod ledger;
mod presets;
mod prices;
mod months;
mod proof;
mod rates;
mod reports;
mod rights;
mod short;
mod sound_key;
mod statement;
mod support;
mod tamper;
mod together;
