//! Accounts: who signed up.

use marketplace::account::{Email, Role, User};
use marketplace::id::AccountId;
use uuid::Uuid;

use crate::error::OnConstraint;
use crate::{Db, Error, Result};

#[derive(Debug)]
pub struct NewAccount<'a> {
    pub email: &'a Email,
    pub password_hash: &'a str,
    pub name: Option<&'a str>,
    pub role: Role,
}

/// What a sign-in needs to decide.
#[derive(Debug)]
pub struct Credentials {
    pub user: User,
    pub password_hash: String,
    pub suspended: bool,
}

/// Opens an account with its empty wallets.
pub async fn insert_account(db: &Db, new: &NewAccount<'_>) -> Result<AccountId> {
    let id = sqlx::query_scalar!(
        r#"select sign_in.open_account($1, $2, $3, $4) as "account_id!""#,
        Uuid::now_v7(),
        new.email.as_str(),
        new.password_hash,
        new.name,
    )
    .fetch_one(db.people())
    .await
    .map(AccountId)
    .on_constraint("account_email_unique", Error::EmailTaken)?;
    if new.role != Role::User {
        update_role(db, id, new.role).await?;
    }
    Ok(id)
}

pub async fn find_credentials(db: &Db, email: &Email) -> Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"
        select account_id as "account_id!", email as "email!", password_hash as "password_hash!", name, role as "role!",
            plan as "plan!", suspended_at is not null as "suspended!", verified_at is not null as "verified!"
        from sign_in.find_credentials($1)
        "#,
        email.as_str(),
    )
    .fetch_optional(db.people())
    .await?;
    row.map(|row| {
        Ok(Credentials {
            user: User {
                email_verified: row.verified,
                ..user(row.account_id, &row.email, row.name, &row.role, row.plan)?
            },
            password_hash: row.password_hash,
            suspended: row.suspended,
        })
    })
    .transpose()
}

pub async fn update_password_hash(db: &Db, account: AccountId, password_hash: &str) -> Result<()> {
    sqlx::query!("select sign_in.set_password_hash($1, $2)", account.0, password_hash)
        .execute(db.people())
        .await?;
    Ok(())
}

pub async fn update_name(db: &Db, account: AccountId, name: Option<&str>) -> Result<()> {
    let changed = sqlx::query!("update account set name = $2 where account_id = $1", account.0, name)
        .execute(&mut *db.of(account).await?)
        .await?;
    if changed.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Notes that the address was shown to reach its owner. False when the account has another address by now.
pub async fn update_verified(db: &Db, account: AccountId, email: &Email) -> Result<bool> {
    let verified = sqlx::query_scalar!("select sign_in.verify_address($1, $2)", account.0, email.as_str());
    Ok(verified.fetch_one(db.people()).await?.unwrap_or(false))
}

/// Makes somebody an operator, or no longer one.
pub async fn update_role(db: &Db, account: AccountId, role: Role) -> Result<()> {
    sqlx::query!("update account set role = $2 where account_id = $1", account.0, role.as_str())
        .execute(db.books())
        .await?;
    Ok(())
}

pub async fn has_admin(db: &Db) -> Result<bool> {
    let found =
        sqlx::query_scalar!(r#"select exists (select from account where role = 'admin') as "found!""#);
    Ok(found.fetch_one(db.books()).await?)
}

/// Somebody whose address is not known to be theirs.
pub(crate) fn user(id: Uuid, email: &str, name: Option<String>, role: &str, plan: String) -> Result<User> {
    Ok(User {
        id: AccountId(id),
        email: Email::parse(email).map_err(|_| Error::Unreadable("account.email"))?,
        name,
        role: Role::parse(role).ok_or(Error::Unreadable("account.role"))?,
        plan,
        email_verified: false,
    })
}
