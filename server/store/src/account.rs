//! Accounts: who signed up.

use marketplace::account::{Email, Role, User};
use marketplace::id::AccountId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::OnConstraint;
use crate::{Error, Result};

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
pub async fn insert_account(db: &PgPool, new: &NewAccount<'_>) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"
        with opened as (
            insert into account (account_id, email, password_hash, name, role)
            values ($1, $2, $3, $4, $5) returning account_id
        ), wallets as (
            insert into wallet (account_id, fund, asset)
            select account_id, fund, asset
            from opened, (values ('paid', 'USD'), ('promo', 'USD'), ('free', 'FREE_TOKEN')) as funds (fund, asset)
        )
        select account_id as "account_id!" from opened
        "#,
        Uuid::now_v7(),
        new.email.as_str(),
        new.password_hash,
        new.name,
        new.role.as_str(),
    )
    .fetch_one(db)
    .await
    .map(AccountId)
    .on_constraint("account_email_unique", Error::EmailTaken)
}

pub async fn find_credentials(db: &PgPool, email: &Email) -> Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"
        select account_id, email, password_hash, name, role, plan, suspended_at is not null as "suspended!"
        from account where email = $1
        "#,
        email.as_str(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Credentials {
            user: user(row.account_id, &row.email, row.name, &row.role, row.plan)?,
            password_hash: row.password_hash,
            suspended: row.suspended,
        })
    })
    .transpose()
}

pub async fn update_password_hash(db: &PgPool, account: AccountId, password_hash: &str) -> Result<()> {
    sqlx::query!("update account set password_hash = $2 where account_id = $1", account.0, password_hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Makes somebody an operator, or no longer one.
pub async fn update_role(db: &PgPool, account: AccountId, role: Role) -> Result<()> {
    sqlx::query!("update account set role = $2 where account_id = $1", account.0, role.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub async fn has_admin(db: &PgPool) -> Result<bool> {
    let found =
        sqlx::query_scalar!(r#"select exists (select from account where role = 'admin') as "found!""#);
    Ok(found.fetch_one(db).await?)
}

pub(crate) fn user(id: Uuid, email: &str, name: Option<String>, role: &str, plan: String) -> Result<User> {
    Ok(User {
        id: AccountId(id),
        email: Email::parse(email).map_err(|_| Error::Unreadable("account.email"))?,
        name,
        role: Role::parse(role).ok_or(Error::Unreadable("account.role"))?,
        plan,
    })
}
