//! The shared language of Mercato: types and rules that the page and the server must agree on.
//!
//! No I/O, no async, no features. It knows nothing of HTTP, SQL, pages or vendors' dialects.

pub mod fault;
pub mod id;
pub mod money;
pub mod usage;
pub mod price;
pub mod quote;
pub mod allowance;
pub mod route;
pub mod model;
pub mod query;
pub mod search;
pub mod account;
pub mod scope;
pub mod network;
pub mod rate;
pub mod secret_key;
pub mod chat;
pub mod preset;
pub mod live;
pub mod billing;
pub mod plan;
pub mod receipt;
pub mod statement;
pub mod operator;
pub mod health;
pub mod recommend;
