//! One file a page.

mod models;
pub mod model;
mod not_found;
mod sign_in;
mod billing;
mod sheet;
mod verify;
mod chat;

pub use billing::BillingPage;
pub use chat::ChatPage;
pub use model::ModelPage;
pub use models::{ModelsPage, words};
pub use not_found::{NotFoundPage, words_of};
pub use sheet::SheetPage;
pub use sign_in::{SignInPage, SignUpPage, refusal};
pub use verify::VerifyPage;
