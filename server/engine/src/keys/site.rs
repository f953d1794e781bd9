//! Keys for sites: a site asks, its visitor agrees here, and the site fetches a key with a code and a proof (PKCE).

mod callback;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use marketplace::billing::Window;
use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, KeyId};
use marketplace::money::Nanos;
use store::api_key::Hand;
use store::audit::NewEvent;
use store::site_code::{Agreed, Used};
use tracing::{info, warn};

use self::callback::Callback;
use crate::sign_in::one_time;
use crate::{Actor, Engine, KeyTerms, Result};

const LASTS: TimeDelta = TimeDelta::minutes(10);
const WORD_LENGTH_MAX: usize = 256;
const NAME_CHARS_MAX: usize = 80;

/// What a site asks for, as the address of the page says it.
#[derive(Clone, Debug)]
pub struct Wish {
    pub callback: Callback,
    /// SHA-256 of what the site shows when it fetches the key.
    proof: Vec<u8>,
}

impl Wish {
    /// A challenge is wanted: a code alone would be a key to whoever reads it on its way.
    pub fn parse(callback: &str, challenge: &str, method: &str) -> std::result::Result<Self, Fault> {
        let callback = Callback::parse(callback)?;
        if !is_word(challenge) {
            return Err(Fault::invalid("code_challenge", "must be 1 to 256 visible ASCII characters"));
        }
        let proof = match method {
            // Its hash is as good, and the database need not know what opens the code.
            "plain" | "" => hash(challenge),
            "S256" => URL_SAFE_NO_PAD
                .decode(challenge.trim_end_matches('='))
                .ok()
                .filter(|bytes| bytes.len() == 32)
                .ok_or_else(|| {
                    Fault::invalid("code_challenge", "must be the SHA-256 of the verifier in base64url")
                })?,
            _ => return Err(unknown_method()),
        };
        Ok(Self { callback, proof })
    }
}

impl Engine {
    /// The caller lets a site have a key. Answers the address that tells the site so.
    pub async fn agree_to_site(
        &self,
        actor: &Actor,
        wish: &Wish,
        limit: Option<Nanos>,
        limit_reset: Option<Window>,
    ) -> Result<String> {
        let account = actor.person()?;
        let site = wish.callback.site();
        let mut terms = KeyTerms { limit, limit_reset, ..KeyTerms::default() };
        terms.check(&name(&site))?;
        self.check_room_for_a_key(actor).await?;
        let (code, digest) = one_time::make();
        let agreed = Agreed { account, site: site.clone(), limit, limit_reset };
        if !store::site_code::insert_code(&self.0.db, &agreed, &digest, &wish.proof, LASTS).await? {
            let message = "You agreed to give away twenty keys within the hour; wait a while";
            return Err(Fault::new(Code::RateLimitExceeded, message).into());
        }
        self.record(actor, "site.agree", &format!("site:{site}")).await?;
        Ok(wish.callback.with("code", &code))
    }

    /// Makes the key that somebody agreed to give whoever asks, who shows the code and what its challenge was made of. The
    /// second value is the key.
    pub async fn fetch_site_key(
        &self,
        _actor: &Actor,
        code: &str,
        verifier: &str,
    ) -> Result<(AccountId, String)> {
        let digest = one_time::digest(code).map_err(|_| worthless())?;
        let proof = if is_word(verifier) { hash(verifier) } else { Vec::new() };
        let agreed = match store::site_code::use_code(&self.0.db, &digest, &proof).await? {
            Used::Good(agreed) => agreed,
            Used::Worthless => return Err(worthless().into()),
            Used::Again(account, key) => {
                // Where there is no key yet, whoever makes it takes it away.
                if let Some(key) = key {
                    self.revoke_site_key(account, key).await?;
                }
                return Err(worthless().into());
            }
        };
        let terms = KeyTerms { limit: agreed.limit, limit_reset: agreed.limit_reset, ..KeyTerms::default() };
        let made = self.keep_new_key(agreed.account, &terms.stored(&name(&agreed.site))).await;
        let (key, secret) = made.map_err(|error| match error {
            // There was room when they agreed.
            store::Error::TooManyKeys => Fault::new(Code::Conflict, "Their plan allows no more keys").into(),
            other => crate::Error::from(other),
        })?;
        let came_again = store::site_code::update_key(&self.0.db, &digest, key.id).await?;
        let subject = format!("key:{}", key.id);
        self.tell_of_site(&agreed_by(agreed.account), "key.mint", &subject, &format!("for {}", agreed.site))
            .await?;
        info!(key.id = %key.id, user.id = %agreed.account, "made a key for a site that somebody agreed to");
        if came_again {
            self.revoke_site_key(agreed.account, key.id).await?;
        }
        Ok((agreed.account, secret))
    }

    /// Whoever knew code and proof came a second time: one of the two is not the site.
    async fn revoke_site_key(&self, account: AccountId, key: KeyId) -> Result<()> {
        warn!(key.id = %key, user.id = %account, "a site's code came twice; its key is revoked");
        store::api_key::update_revoked(&self.0.db, account, key, Hand::Person).await?;
        self.0.ring.forget(account);
        let subject = format!("key:{key}");
        self.tell_of_site(&agreed_by(account), "key.revoke", &subject, "its code came twice").await
    }

    /// A code that would come to nothing is not given away.
    async fn check_room_for_a_key(&self, actor: &Actor) -> Result<()> {
        let plans = store::plan::list_plans(&self.0.db).await?;
        let plan = plans.iter().find(|plan| actor.user().is_some_and(|user| user.plan == plan.id));
        let is_over = |at: &str| at.parse::<DateTime<Utc>>().is_ok_and(|at| at <= Utc::now());
        let keys = self.list_keys(actor).await?;
        let live =
            keys.iter().filter(|key| !key.revoked && !key.expires_at.as_deref().is_some_and(is_over)).count();
        match plan {
            Some(plan) if i32::try_from(live).is_ok_and(|live| live >= plan.keys_max) => {
                Err(self.too_many_keys(actor).await?.into())
            }
            _ => Ok(()),
        }
    }

    async fn tell_of_site(&self, actor: &str, action: &str, subject: &str, reason: &str) -> Result<()> {
        let event = NewEvent { actor, action, subject, reason: Some(reason) };
        Ok(store::audit::insert_event(&self.0.db, &event).await?)
    }
}

/// The site acts for whoever agreed.
fn agreed_by(account: AccountId) -> String {
    format!("account:{account}")
}

/// What the key of a site is called.
fn name(site: &str) -> String {
    site.chars().take(NAME_CHARS_MAX).collect()
}

fn hash(word: &str) -> Vec<u8> {
    digest(&SHA256, word.as_bytes()).as_ref().to_vec()
}

fn is_word(text: &str) -> bool {
    (1..=WORD_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub fn unknown_method() -> Fault {
    Fault::invalid("code_challenge_method", "must be S256 or plain")
}

/// Used, too old, never told, or shown without its proof: which of these is nobody's business.
fn worthless() -> Fault {
    let message = "This code is not valid: it was used, is older than ten minutes, or does not belong to this code_verifier";
    Fault { field: Some("code".to_owned()), ..Fault::new(Code::PermissionDenied, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACK: &str = "https://app.example.org/back";

    #[test]
    fn both_methods_come_to_the_same_proof() {
        let plain = Wish::parse(BACK, "a verifier's-worth".replace(' ', "-").as_str(), "plain").unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(hash("a-verifier's-worth"));
        for challenge in [challenge.clone(), format!("{challenge}=")] {
            assert_eq!(Wish::parse(BACK, &challenge, "S256").unwrap().proof, plain.proof);
        }
        assert_eq!(plain.proof, hash("a-verifier's-worth"));
    }

    #[test]
    fn a_wish_without_a_challenge_or_with_an_odd_one_is_refused() {
        for (challenge, method, field) in [
            ("", "S256", "code_challenge"),
            ("", "plain", "code_challenge"),
            ("short", "S256", "code_challenge"),
            ("word", "s256", "code_challenge_method"),
            ("wo rd", "plain", "code_challenge"),
        ] {
            let refused = Wish::parse(BACK, challenge, method).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some(field), "{challenge:?} {method}");
        }
    }
}
