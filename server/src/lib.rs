//! The edge: HTTP in and out, the command line, the private database and the simulator of providers.
//!
//! It knows nothing of SQL or vendors' dialects; every verb is the engine's.

// A page is one type, as deep as its markup.
#![recursion_limit = "512"]

pub mod config;
pub mod door;
pub mod routes;
pub mod auth;
pub mod pages;
pub mod crawlers;
mod catalogue;
mod csv;
pub mod live;
pub mod metrics;
pub mod api;
pub mod openapi;
pub mod command;
pub mod postgres;
pub mod simulator;
