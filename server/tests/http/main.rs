//! Conversations over HTTP with the real router.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod account;
mod books;
mod address;
mod chat;
mod completions;
mod doors;
mod embeddings;
mod failures;
mod idempotency;
mod idempotency_apart;
mod images;
mod keys;
mod late;
mod leave;
mod live;
mod local_models;
mod messages;
mod metrics;
mod operator;
mod oracle;
mod prices;
mod price;
mod password;
mod plan;
mod owner;
mod payment_events;
mod price_change;
mod race;
mod reports;
mod routing;
mod signature;
mod statement;
mod support;
mod top_up;
