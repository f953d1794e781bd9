//! Choosing a new password by letter, when the old one is forgotten.

use chrono::TimeDelta;
use marketplace::account::Email;
use store::one_time_secret::{Issued, Purpose};
use tracing::{info, warn};

use super::{one_time, password};
use crate::letters::Letter;
use crate::{Actor, Engine, Result};

const LASTS: TimeDelta = TimeDelta::minutes(30);

impl Engine {
    /// Sends a letter to whoever has an account with this address. Neither the answer nor its time tells whether
    /// anybody has.
    pub async fn forget_password(&self, _actor: &Actor, email: &str) -> Result<()> {
        let email = Email::parse(email)?;
        if !self.sends_letters() {
            return Err(one_time::no_letters().into());
        }
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(cause) = engine.write_to_forgetful(&email).await {
                warn!(%cause, "no letter could be written to somebody who forgot a password");
            }
        });
        Ok(())
    }

    /// Takes the secret of such a letter and a new password; every session ends.
    pub async fn reset_password(&self, _actor: &Actor, secret: &str, password: &str) -> Result<()> {
        let digest = one_time::digest(secret)?;
        let purpose = Purpose::ResetPassword;
        let email = store::one_time_secret::find_address(&self.0.db, purpose, &digest).await?;
        let email = email.ok_or_else(one_time::worthless)?;
        // A password that is refused leaves the letter good for another try.
        password::check(password, &email)?;
        let hash = self.hash_password(password).await?;
        let owner = store::one_time_secret::reset_password(&self.0.db, &digest, &hash).await?;
        let owner = owner.ok_or_else(one_time::worthless)?;
        self.0.throttle.forget(&email);
        self.record(&Actor::Visitor, "password.reset", &format!("account:{owner}")).await?;
        info!(user.id = %owner, "{owner} has a new password, and every session is ended");
        Ok(())
    }

    async fn write_to_forgetful(&self, email: &Email) -> Result<()> {
        let Some(known) = store::account::find_credentials(&self.0.db, email).await? else { return Ok(()) };
        let (account, (secret, digest)) = (known.user.id, one_time::make());
        let purpose = Purpose::ResetPassword;
        let issued =
            store::one_time_secret::insert_secret(&self.0.db, account, purpose, &digest, LASTS).await?;
        if issued != Issued::Kept {
            info!(user.id = %account, "no further letter about a forgotten password for now");
            return Ok(());
        }
        let link = self.link(&format!("/reset?token={secret}"));
        let text = format!(
            "Somebody asked for a new password at Mercato with this address. If that\n\
             was you, choose one here:\n\n\
             {link}\n\n\
             The link works once, within 30 minutes, and signs you out everywhere.\n\
             If it was not you, do nothing: your password stays as it is.\n"
        );
        self.send(account, Letter { to: email.clone(), subject: "Choose a new password", text });
        Ok(())
    }
}
