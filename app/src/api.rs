//! Every server function: each is a public door, so they stand in one place.

pub mod auth;
pub mod billing;
pub mod books;
pub mod chat;
pub mod keys;
pub mod letters;
pub mod models;
pub mod sheets;
pub mod statements;
pub mod theme;
pub mod vendors;
