//! All SQL, one table family a file.
//!
//! It knows nothing of vendors, HTTP or pages, and never opens a transaction: each step is one statement.

mod error;
mod connect;
pub mod account;
pub mod session;
pub mod api_key;
pub mod price;
pub mod ledger;
pub mod top_up;
pub mod call;
pub mod conversation;
pub mod audit;
pub mod overview;
pub mod books;

pub use connect::{MIGRATOR, connect, migrate};
pub use error::{Error, Result};
pub use sqlx::PgPool as Pool;
