//! All SQL, one table family a file.
//!
//! It knows nothing of vendors, HTTP or pages, and never opens a transaction: each step is one statement. What concerns
//! one account is read on a connection that row security confines to it; money moves through functions alone.

mod error;
mod connect;
pub mod account;
pub mod session;
pub mod one_time_secret;
pub mod site_code;
pub mod api_key;
pub mod known_key;
pub mod rate;
pub mod price;
pub mod quote;
pub mod preset;
pub mod catalogue;
pub mod vault;
pub mod vendor;
pub mod ledger;
pub mod top_up;
pub mod budget;
pub mod correction;
pub mod plan;
pub mod idempotency;
pub mod response_cache;
pub mod attempt;
pub mod call;
pub mod spending;
pub mod ranking;
pub mod statement;
pub mod conversation;
pub mod audit;
pub mod overview;
pub mod books;
pub mod report;
pub mod figures;
pub mod health;
pub mod seeded;

pub use connect::{Db, MIGRATOR, migrate};
pub use error::{Error, Result};
