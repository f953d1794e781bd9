//! Signing up, in and out: argon2id passwords and tokens that name a session on the server.

mod confirmation;
mod forgotten;
mod hasher;
pub(crate) mod one_time;
mod password;
mod throttle;
mod token;

use chrono::{TimeDelta, Utc};
use marketplace::account::{Email, Role, SignIn, User};
use marketplace::fault::{Code, Fault};
use marketplace::id::SessionId;
use marketplace::plan::Plan;
use store::account::NewAccount;
use tracing::info;

pub(crate) use hasher::Hasher;
pub(crate) use throttle::Throttle;

use crate::watch::Happened;
use crate::{Actor, Engine, Result};

/// Somebody who just proved who they are.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    pub token: String,
    pub expires_at: chrono::DateTime<Utc>,
}

const SESSION_HOURS: i64 = 24;

impl Engine {
    /// Opens an account and signs its owner in.
    pub async fn sign_up(
        &self,
        _actor: &Actor,
        email: &str,
        password: &str,
        name: Option<&str>,
    ) -> Result<SignedIn> {
        let email = Email::parse(email)?;
        let name = checked_name(name)?;
        let user = self.open_account(&email, password, name, Role::User).await?;
        info!(user.id = %user.id, "opened account {}", user.id);
        self.begin_confirmation(&user);
        self.begin_session(user).await
    }

    pub async fn sign_in(&self, _actor: &Actor, email: &str, password: &str) -> Result<SignedIn> {
        let refused = || {
            let message = "The e-mail address or the password is wrong";
            Fault { field: Some("password".to_owned()), ..Fault::new(Code::Unauthenticated, message) }
        };
        let email = Email::parse(email)?;
        self.0.throttle.admit(&email)?;
        let known = store::account::find_credentials(&self.0.db, &email).await?;
        // An unknown address costs as much time as a wrong password, so that neither tells which it was.
        let hash = known.as_ref().map_or(password::NOBODY, |known| known.password_hash.as_str());
        let right = self.verify_password(password, hash).await?;
        let Some(known) = known.filter(|known| right && !known.suspended) else {
            self.0.throttle.count_failure(&email);
            self.0.watch.note(Happened::PasswordRefused);
            return Err(refused().into());
        };
        self.0.throttle.forget(&email);
        if password::is_outdated(&known.password_hash) {
            let hash = self.hash_password(password).await?;
            store::account::update_password_hash(&self.0.db, known.user.id, &hash).await?;
        }
        self.begin_session(known.user).await
    }

    /// Changes what the caller is called; nothing takes the name away.
    pub async fn rename(&self, actor: &Actor, name: Option<&str>) -> Result<User> {
        let account = actor.person()?;
        let user = actor.user().ok_or_else(Fault::sign_in)?;
        let name = checked_name(name)?;
        store::account::update_name(&self.0.db, account, name).await?;
        self.0.ring.forget(account);
        Ok(User { name: name.map(str::to_owned), ..user.clone() })
    }

    /// Ends the caller's session at once, on every server.
    pub async fn sign_out(&self, actor: &Actor) -> Result<()> {
        if let Actor::Person { session, .. } = actor {
            store::session::update_ended(&self.0.db, *session).await?;
        }
        Ok(())
    }

    /// The caller's sign-ins that still open something.
    pub async fn list_sessions(&self, actor: &Actor) -> Result<Vec<SignIn>> {
        let mut sessions = store::session::list_live(&self.0.db, actor.person()?).await?;
        if let Actor::Person { session, .. } = actor {
            sessions.iter_mut().for_each(|one| one.is_this_one = one.id == *session);
        }
        Ok(sessions)
    }

    /// Ends one of the caller's sign-ins at once, on every server.
    pub async fn end_session(&self, actor: &Actor, session: SessionId) -> Result<()> {
        store::session::update_ended_of(&self.0.db, actor.person()?, session).await?;
        self.record(actor, "session.end", &format!("session:{session}")).await
    }

    /// Who holds this session token; a visitor when it is worthless.
    pub async fn recognise_token(&self, token: &str) -> Result<Actor> {
        let refused = || {
            self.0.watch.note(Happened::SessionRefused);
            Actor::Visitor
        };
        let Some(session) = token::read(&self.0.secrets.session, token) else { return Ok(refused()) };
        let user = store::session::find_live_user(&self.0.db, session).await?;
        Ok(user.map_or_else(refused, |user| Actor::Person { user, session }))
    }

    /// Makes an operator, or turns an account into one.
    pub async fn create_admin(&self, actor: &Actor, email: &str, password: &str) -> Result<User> {
        actor.require(&[])?;
        let email = Email::parse(email)?;
        let user = match store::account::find_credentials(&self.0.db, &email).await? {
            Some(known) => {
                store::account::update_role(&self.0.db, known.user.id, Role::Admin).await?;
                User { role: Role::Admin, ..known.user }
            }
            None => self.open_account(&email, password, None, Role::Admin).await?,
        };
        let subject = format!("account:{}", user.id);
        self.record(actor, "admin.create", &subject).await?;
        Ok(user)
    }

    /// Makes an operator where there is none yet.
    pub async fn create_first_admin(&self, actor: &Actor, email: &str, password: &str) -> Result<()> {
        if !store::account::has_admin(&self.0.db).await? {
            self.create_admin(actor, email, password).await?;
        }
        Ok(())
    }

    async fn open_account(
        &self,
        email: &Email,
        password: &str,
        name: Option<&str>,
        role: Role,
    ) -> Result<User> {
        password::check(password, email)?;
        let password_hash = self.hash_password(password).await?;
        let new = NewAccount { email, password_hash: &password_hash, name, role };
        let id = store::account::insert_account(&self.0.db, &new).await?;
        let (email, name, plan) = (email.clone(), name.map(str::to_owned), Plan::FREE.to_owned());
        Ok(User { id, email, name, role, plan, email_verified: false })
    }

    async fn begin_session(&self, user: User) -> Result<SignedIn> {
        let expires_at = Utc::now() + TimeDelta::hours(SESSION_HOURS);
        let session = store::session::insert_session(&self.0.db, user.id, expires_at).await?;
        let token = token::write(&self.0.secrets.session, user.id, session, expires_at)?;
        Ok(SignedIn { user, token, expires_at })
    }
}

fn checked_name(name: Option<&str>) -> std::result::Result<Option<&str>, Fault> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.chars().count() > 100) {
        return Err(Fault::invalid("name", "may have at most 100 characters"));
    }
    Ok(name)
}
