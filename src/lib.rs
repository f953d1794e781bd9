//! The shared language of Mercato: types and rules that the page and the server must agree on.
//!
//! No I/O, no async, no features. It knows nothing of HTTP, SQL, pages or vendors' dialects.

pub mod chat;
pub mod fault;
pub mod id;
pub mod money;
pub mod price;
pub mod quote;
pub mod usage;
