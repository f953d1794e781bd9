//! Conversations over HTTP with the real router.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod account;
mod chat;
mod doors;
mod failures;
mod idempotency;
mod idempotency_apart;
mod keys;
mod late;
mod leave;
mod live;
mod messages;
mod operator;
mod oracle;
mod race;
mod support;
mod top_up;
