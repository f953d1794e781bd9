//! Conversations over HTTP with the real router.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod account;
mod books;
mod bytes;
mod address;
mod chat;
mod doors;
mod estimates;
mod failures;
mod idempotency;
mod idempotency_apart;
mod keys;
mod late;
mod leave;
mod leavers;
mod limits;
mod live;
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
mod stalled;
mod statement;
mod support;
mod top_up;
