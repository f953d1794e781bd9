//! Passwords: which ones are good enough, and argon2id over them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use marketplace::account::{Email, check_password_length};
use marketplace::fault::{Code, Fault};

use super::hasher::Hasher;
use crate::{Engine, Error, Result};

/// The hash of a password that nobody has, at today's cost.
pub const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dW5rbm93bi1hY2NvdW50LXNhbHQ$lgm20uMK0yBbSYSmyORu3iE9PgqqkGdbG0FM6Pw9SXg";

/// Guesses that a cracker needs, on zxcvbn's scale of 0 to 4; below this a word list is enough.
const STRENGTH_MIN: zxcvbn::Score = zxcvbn::Score::Two;
/// As long as anybody waits for the hashes of those before.
const WAIT_MAX: Duration = Duration::from_secs(10);

pub fn check(password: &str, email: &Email) -> std::result::Result<(), Fault> {
    check_password_length(password)?;
    // The estimate is quadratic in the length, and nobody guesses a hundred characters.
    let start: String = password.chars().take(100).collect();
    let name = email.as_str().split('@').next().unwrap_or_default();
    let estimate = zxcvbn::zxcvbn(&start, &[email.as_str(), name, "mercato"]);
    if estimate.score() < STRENGTH_MIN {
        let advice = "is too easy to guess; use a longer one, such as four random words";
        return Err(Fault::invalid("password", advice));
    }
    Ok(())
}

/// Whether a stored hash is cheaper than we would make it today.
pub fn is_outdated(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return true };
    let Ok(params) = Params::try_from(&parsed) else { return true };
    params.m_cost() < Params::DEFAULT_M_COST || params.t_cost() < Params::DEFAULT_T_COST
}

impl Engine {
    pub(super) async fn hash_password(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.at_the_hasher(move |hasher| hasher.hash(&password)).await?
    }

    pub(super) async fn verify_password(&self, password: &str, hash: &str) -> Result<bool> {
        let (password, hash) = (password.to_owned(), hash.to_owned());
        self.at_the_hasher(move |hasher| hasher.verify(&password, &hash)).await?
    }

    /// Gives the hasher's memory back when nobody signs in.
    pub(crate) fn rest_hasher(&self) {
        // Whoever is at work with it will need it a little longer.
        if let Ok(mut hasher) = self.0.hashing.try_lock() {
            hasher.rest(Instant::now());
        }
    }

    /// Runs one hash beside the runtime. The hasher moves into the work, so a caller who leaves does not free it early.
    async fn at_the_hasher<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T> {
        let busy = || {
            let message = "Too many people are signing in at once; try again in a few seconds";
            Fault { retry_after_seconds: Some(5), ..Fault::new(Code::Unavailable, message) }
        };
        let hasher = Arc::clone(&self.0.hashing).lock_owned();
        let mut hasher = tokio::time::timeout(WAIT_MAX, hasher).await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(move || work(&mut hasher))
            .await
            .map_err(|_| Error::Crypto("the password worker stopped"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessable_passwords_are_refused_and_good_ones_are_not() {
        let email = Email::parse("ada.lovelace@example.org").unwrap();
        for weak in
            ["password", "12345678", "qwertyuiop", "ada.lovelace", "mercato1", "short", "aaaaaaaaaaaa"]
        {
            assert!(check(weak, &email).is_err(), "{weak:?} was accepted");
        }
        for good in ["correct horse battery staple", "Tr0mbone-Lantern-88", "пароль из четырёх слов"]
        {
            assert!(check(good, &email).is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn the_hash_of_nobody_can_be_read_and_costs_what_ours_cost() {
        assert!(!is_outdated(NOBODY));
        assert!(is_outdated(
            "$argon2id$v=19$m=4096,t=1,p=1$dW5rbm93bi1hY2NvdW50LXNhbHQ$lgm20uMK0yBbSYSmyORu3iE9PgqqkGdbG0FM6Pw9SXg"
        ));
    }
}
