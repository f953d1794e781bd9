//! One file a page.

mod home;
mod models;
pub mod model;
mod not_found;
mod sign_in;
mod billing;
mod checkout;
mod keys;
mod letter;
mod receipt;
mod statements;
mod statement;
mod verify;
mod admin;
mod vendors;
mod books;
mod status;
mod chat;

pub use admin::AdminPage;
pub use billing::BillingPage;
pub use books::BooksPage;
pub use chat::ChatPage;
pub use checkout::CheckoutPage;
pub use home::HomePage;
pub use keys::KeysPage;
pub use letter::{ConfirmPage, ForgotPage, ResetPage};
pub use model::ModelPage;
pub use models::{ModelsPage, address, words};
pub use not_found::NotFoundPage;
pub use receipt::ReceiptPage;
pub use sign_in::{SignInPage, SignUpPage};
pub use statement::StatementPage;
pub use statements::StatementsPage;
pub use status::StatusPage;
pub use vendors::VendorsPage;
pub use verify::VerifyPage;
