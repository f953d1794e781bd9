//! The verbs: sign up, mint a key, add funds, hold, settle, chat.
//!
//! It knows nothing of HTTP, pages or SQL. Every verb knows its caller: an [`Actor`] comes first.

mod actor;
mod error;
mod secrets;
mod vault;
mod letters;
mod catalogue;
mod breaker;
mod retries;
mod routing;
mod sign_in;
mod keys;
mod limits;
mod presets;
mod rates;
mod billing;
mod gateway;
mod tokens;
mod chat;
mod making;
mod embed;
mod draw;
mod moderate;
mod idempotency;
mod response_cache;
mod conversation;
mod operator;
mod correction;
mod books;
mod prices;
mod discovery;
mod vendors;
mod reconciliation;
mod watch;
mod figures;
mod health;
mod recommend;
mod replay;
mod statement;
mod spending;
mod ranking;
mod background;
mod engine;

pub use actor::Actor;
pub use books::{BooksState, Seal, WholeCheck};
pub use catalogue::{FactChange, Foreseen, ImportPlan, Listings, Measures, ModelChange, Selection};
pub use chat::{
    Call, CallEvent, FailedAttempt, Order, Outlet, Parcel, Promised, Run, STOPPED, Served, Serving,
};
pub use conversation::Following;
pub use discovery::LocalModels;
pub use engine::{Engine, Settings};
pub use error::{Error, Result};
pub use figures::{Figure, FigureKind, FigureReading, FigureValue};
pub use gateway::{Outcome, SIGNATURE_HEADER};
pub use idempotency::{
    Answer, Claim, Claimed, HEADER as IDEMPOTENCY_HEADER, IdempotencyKey, KEPT_BYTES_MAX, Route,
};
pub use keys::{Doorstep, KeyChange, KeyTerms, Wish, unknown_method};
pub use letters::Post;
pub use making::{Made, MakeOrder, Making};
pub use moderate::{Moderated, ModerationOrder};
pub use providers::embedding::{
    Inputs as EmbeddingInputs, Purpose as EmbeddingPurpose, Request as EmbeddingRequest, to_base64,
};
pub use providers::image::{
    Format as PictureFormat, Picture, Request as PictureRequest, Size as PictureSize,
};
pub use providers::{Egress, Limits, Registry, Sender};
pub use rates::{RateLimits, ValkeyAddress};
pub use recommend::{Pick, Recommendation};
pub use replay::Replayed;
pub use response_cache::{Asked, CacheWish, Cached, Reading, TTL_SECONDS, TTL_SECONDS_MAX};
pub use routing::{MODELS_MAX, Narrowing, Routing, WhenShort};
pub use secrets::MasterKey;
pub use sign_in::SignedIn;
pub use spending::{DAYS_MAX, Seller};
pub use statement::SignedStatement;
pub use store::api_key::KeySpending;
pub use store::books::Violation;
pub use store::correction::Adjusted;
pub use store::plan::Subscribed;
pub use store::preset::{Preset, Saved};
pub use store::price::Outcome as PriceOutcome;
pub use store::price::{PriceVersion, Tense};
pub use store::ranking::Ranked;
pub use store::spending::Spent;
pub use store::{Db, migrate};
pub use vendors::{abandon_secrets, has_vendor_keys};
