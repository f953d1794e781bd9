//! `Idempotency-Key`: a request acts once, however often it is sent, and is answered alike for a day.
//!
//! The store decides who acts and fixes the id of the call before its hold is opened. So that a call is paid once rests
//! on the books alone, whatever happens to the keys.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, CallId};
use store::idempotency::{Claimed as Found, KeptAnswer, NewClaim};
use tracing::warn;
use uuid::Uuid;

use crate::{Actor, Engine, Result};

/// An answer larger than this is not kept: who asks again is told which call it was.
pub const KEPT_BYTES_MAX: usize = 256 * 1024;

pub const HEADER: &str = "Idempotency-Key";
const LENGTH_MAX: usize = 255;
const RETRY_AFTER_SECONDS: u64 = 2;
/// Attempts to keep an answer; without it the key comes to stand for a call that was broken off.
const TRIES: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A name that a caller gives to one request: visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// What is asked for. The same key may be used once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// An answer, in whichever dialect it is asked for.
    Chat,
    TopUps,
    Keys,
}

/// The right to act for a request.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The id of the call, if a call it is.
    pub call: CallId,
    account: AccountId,
    attempt: Uuid,
    route: Route,
}

/// What was answered, to be answered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// What a request with a key may do.
#[derive(Debug)]
pub enum Claimed {
    Act(Claim),
    /// The answer there was, and the call it was of.
    Repeat(Answer, Option<CallId>),
}

impl IdempotencyKey {
    pub fn parse(text: &str) -> std::result::Result<Self, Fault> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > LENGTH_MAX || !is_visible {
            return Err(Self::refused());
        }
        Ok(Self(text.to_owned()))
    }

    /// What is said of a key that is none.
    pub fn refused() -> Fault {
        Fault::invalid(HEADER, &format!("needs 1 to {LENGTH_MAX} visible ASCII characters, once"))
    }
}

impl Route {
    fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::TopUps => "top-ups",
            Self::Keys => "keys",
        }
    }

    /// The call to name where there is one: orders and API keys have no receipt.
    fn named(self, call: CallId) -> Option<CallId> {
        (self == Self::Chat).then_some(call)
    }
}

impl Claim {
    /// What is kept instead of an answer whose reader left in the middle.
    pub fn interrupted(&self) -> Fault {
        interrupted(self.route, self.call)
    }
}

impl Engine {
    /// Claims a key for a request with this body, or says why it must not act.
    pub async fn claim(
        &self,
        actor: &Actor,
        route: Route,
        key: &IdempotencyKey,
        body: &[u8],
    ) -> Result<Claimed> {
        let (account, attempt) = (actor.owner()?, Uuid::now_v7());
        let request_hash = digest(&SHA256, body);
        let claim = NewClaim {
            attempt,
            account,
            api_key: actor.key(),
            route: route.as_str(),
            key: &key.0,
            request_hash: request_hash.as_ref(),
        };
        match store::idempotency::claim_key(&self.0.db, &claim).await? {
            Found::Run(call) => Ok(Claimed::Act(Claim { call, account, attempt, route })),
            Found::Running(call) => Err(in_progress(route, call).into()),
            Found::Interrupted(call) => Err(interrupted(route, call).into()),
            Found::Different => {
                let message = "This Idempotency-Key was used for another body; give each request its own";
                let fault = Fault::new(Code::Unprocessable, message);
                Err(Fault { field: Some(HEADER.to_owned()), ..fault }.into())
            }
            Found::Finished(call, kept) => {
                let answer = self.open_kept(account, call, kept).ok_or_else(|| not_kept(route, call))?;
                Ok(Claimed::Repeat(answer, route.named(call)))
            }
        }
    }

    /// Keeps what was answered, for a day. The answer may be sent even if that fails.
    pub async fn keep(&self, actor: &Actor, claim: &Claim, answer: Answer) {
        let (account, call) = (claim.account, claim.call);
        let place = place(account, call, answer.status, &answer.content_type);
        let sealed_body = if answer.body.len() > KEPT_BYTES_MAX {
            None
        } else {
            match self.0.secrets.seal_answer(&place, answer.body) {
                Ok(sealed) => Some(sealed),
                Err(cause) => return warn!(%cause, call.id = %call, "an answer could not be sealed"),
            }
        };
        let kept = KeptAnswer { status: answer.status, content_type: answer.content_type, sealed_body };
        for attempt in 1..=TRIES {
            match store::idempotency::keep_answer(&self.0.db, account, call, &kept).await {
                Ok(_) => return,
                Err(cause) => {
                    let caller = actor.label();
                    warn!(%cause, attempt, %caller, call.id = %call, "an answer could not be kept");
                    tokio::time::sleep(TRY_AGAIN_AFTER * attempt).await;
                }
            }
        }
    }

    /// Frees the key of a request that was refused before it had begun; says what its caller is to be told.
    pub async fn give_up(&self, actor: &Actor, claim: &Claim, refusal: Fault) -> Fault {
        match store::idempotency::free_key(&self.0.db, claim.account, claim.attempt).await {
            Ok(true) => refusal,
            // Money is held under this id, so something did begin, whatever we were told of it.
            Ok(false) => in_progress(claim.route, claim.call),
            Err(cause) => {
                let caller = actor.label();
                warn!(%cause, %caller, "an idempotency key could not be freed; it frees itself when its lease ends");
                refusal
            }
        }
    }

    /// Frees the key of a request that had nothing to begin, for what it asks for was there already.
    pub async fn unclaim(&self, actor: &Actor, claim: &Claim) {
        if let Err(cause) = store::idempotency::free_key(&self.0.db, claim.account, claim.attempt).await {
            let caller = actor.label();
            warn!(%cause, %caller, "an idempotency key could not be freed; it frees itself when its lease ends");
        }
    }

    fn open_kept(&self, account: AccountId, call: CallId, kept: KeptAnswer) -> Option<Answer> {
        let place = place(account, call, kept.status, &kept.content_type);
        let body = self.0.secrets.open_answer(&place, kept.sealed_body.as_ref()?)?;
        Some(Answer { status: kept.status, content_type: kept.content_type, body })
    }
}

/// What a request is told whose answer was broken off, by its reader or with its server.
fn interrupted(route: Route, call: CallId) -> Fault {
    let message = "This request was broken off in the middle and is not begun again. Its receipt says what was \
        charged; to ask again, use another Idempotency-Key";
    Fault { call: route.named(call), ..Fault::new(Code::Interrupted, message) }
}

fn in_progress(route: Route, call: CallId) -> Fault {
    let message = "A request with this Idempotency-Key is being answered; ask again in a moment";
    Fault {
        call: route.named(call),
        retry_after_seconds: Some(RETRY_AFTER_SECONDS),
        ..Fault::new(Code::InProgress, message)
    }
}

fn not_kept(route: Route, call: CallId) -> Fault {
    let message = match route {
        Route::Chat => {
            "This request was answered, but the answer is too large to be repeated. Its receipt says what was charged"
        }
        Route::TopUps | Route::Keys => "This request was answered, but the answer can no longer be repeated",
    };
    Fault { call: route.named(call), ..Fault::new(Code::NotKept, message) }
}

/// Where an answer belongs; it is sealed to it, so that one row's answer is never taken for another's.
fn place(account: AccountId, call: CallId, status: u16, content_type: &str) -> Vec<u8> {
    format!("{account}:{call}:{status}:{content_type}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_at_most_255_characters() {
        for text in ["a", "~!\"'\\", &"k".repeat(255)] {
            assert_eq!(IdempotencyKey::parse(text).unwrap().0, text);
        }
        for text in ["", " ", "a b", "a\tb", "a\nb", "é", "\u{7f}", "\0", &"k".repeat(256)] {
            let refused = IdempotencyKey::parse(text).unwrap_err();
            assert_eq!((refused.code, refused.field.as_deref()), (Code::InvalidRequest, Some(HEADER)));
        }
    }
}
