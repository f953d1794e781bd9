//! The verbs: sign up, mint a key, add funds, hold, settle, chat.
//!
//! It knows nothing of HTTP, pages or SQL. Every verb knows its caller: an [`Actor`] comes first.

mod actor;
mod error;
mod secrets;
mod catalogue;
mod sign_in;
mod keys;
mod billing;
mod gateway;
mod chat;
mod idempotency;
mod conversation;
mod operator;
mod correction;
mod books;
mod statement;
mod background;
mod engine;

pub use actor::Actor;
pub use books::{BooksState, WholeCheck};
pub use chat::{Call, CallEvent, Order, Run, STOPPED};
pub use conversation::Following;
pub use engine::{Engine, Settings};
pub use error::{Error, Result};
pub use gateway::{Outcome, SIGNATURE_HEADER};
pub use idempotency::{
    Answer, Claim, Claimed, HEADER as IDEMPOTENCY_HEADER, IdempotencyKey, KEPT_BYTES_MAX, Route,
};
pub use keys::KeyTerms;
pub use providers::{Egress, Limits, Registry, Sender};
pub use secrets::MasterKey;
pub use sign_in::SignedIn;
pub use statement::SignedStatement;
pub use store::books::Violation;
pub use store::correction::Adjusted;
pub use store::plan::Subscribed;
pub use store::{Db, migrate};
