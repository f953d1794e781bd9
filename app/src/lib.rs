//! The pages of Mercato, rendered on the server and woken in the browser.
//!
//! It knows nothing of SQL or vendors; on the server it speaks to the engine, in the browser to server functions.

// A page is one type, as deep as its markup.
#![recursion_limit = "512"]

#[cfg(all(feature = "ssr", target_arch = "wasm32"))]
compile_error!("`ssr` is for the server: the browser half is built with `hydrate` alone");

pub mod shell;
pub mod routes;
pub mod pages;
pub mod components;
pub mod api;
pub mod door;
pub mod error;
pub mod json;
pub mod browser;
#[cfg(feature = "ssr")]
mod sheets;
#[cfg(feature = "ssr")]
pub mod context;
