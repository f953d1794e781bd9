//! How vendors are spoken to: our request into their bytes, their bytes into our events.
//!
//! Knows nothing of accounts, prices, databases or pages.
//! All but `http` is pure; adding a vendor that speaks a known dialect is one row in `registry`.

pub mod anthropic;
mod asked;
pub mod cohere;
pub mod dialect;
pub mod egress;
pub mod embedding;
mod error;
pub mod failure;
pub mod frame;
pub mod google;
pub mod http;
pub mod image;
mod local;
pub mod moderation;
pub mod ollama;
pub mod openai;
mod reading;
pub mod registry;
pub mod responses;
pub mod tgi;

pub use self::dialect::{Decoder, Dialect, Outgoing};
pub use self::egress::Egress;
pub use self::error::Error;
pub use self::http::{Answer, Limits, Sender};
pub use self::local::LocalModel;
pub use self::registry::{ConfiguredProvider, Provider, Registry, StoredVendor};
