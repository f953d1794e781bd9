//! Confirming that an address reaches its owner. Only then are free tokens given.

use chrono::TimeDelta;
use marketplace::account::User;
use marketplace::fault::{Code, Fault};
use store::one_time_secret::{Issued, Purpose};
use tracing::{info, warn};

use super::one_time;
use crate::letters::Letter;
use crate::{Actor, Engine, Result};

const LASTS: TimeDelta = TimeDelta::hours(24);

impl Engine {
    /// Sends the letter again with which the caller confirms their address.
    pub async fn send_confirmation(&self, actor: &Actor) -> Result<()> {
        actor.person()?;
        let user = actor.user().ok_or_else(Fault::sign_in)?;
        if user.email_verified {
            return Err(Fault::new(Code::Conflict, "Your address is confirmed already").into());
        }
        if !self.sends_letters() {
            return Err(one_time::no_letters().into());
        }
        self.write_confirmation(user).await
    }

    /// Takes the secret of such a letter, from whoever presents it.
    pub async fn confirm_address(&self, _actor: &Actor, secret: &str) -> Result<()> {
        let digest = one_time::digest(secret)?;
        let owner = store::one_time_secret::confirm_address(&self.0.db, &digest).await?;
        let owner = owner.ok_or_else(one_time::worthless)?;
        self.0.ring.forget(owner);
        info!(user.id = %owner, "the address of {owner} is confirmed");
        Ok(())
    }

    /// The first letter, for somebody who has just signed up and is answered meanwhile.
    pub(super) fn begin_confirmation(&self, user: &User) {
        if !self.sends_letters() {
            return;
        }
        let (engine, user) = (self.clone(), user.clone());
        tokio::spawn(async move {
            if let Err(cause) = engine.write_confirmation(&user).await {
                warn!(%cause, user.id = %user.id, "no letter could be written to somebody who signed up");
            }
        });
    }

    async fn write_confirmation(&self, user: &User) -> Result<()> {
        let (secret, digest) = one_time::make();
        let purpose = Purpose::ConfirmAddress;
        match store::one_time_secret::insert_secret(&self.0.db, user.id, purpose, &digest, LASTS).await? {
            Issued::Kept => {}
            Issued::Wait { seconds } => return Err(one_time::wait(seconds).into()),
            Issued::Gone => return Err(Fault::sign_in().into()),
        }
        let link = self.link(&format!("/confirm?token={secret}"));
        let text = format!(
            "Somebody opened an account at Mercato with this address. If that was\n\
             you, confirm it here, and the free tokens of each month are yours:\n\n\
             {link}\n\n\
             The link works once, within 24 hours. If it was not you, do nothing.\n"
        );
        self.send(user.id, Letter { to: user.email.clone(), subject: "Confirm your address", text });
        Ok(())
    }
}
