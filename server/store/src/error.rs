//! What the database said.

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("the plan allows no more keys")]
    TooManyKeys,
    #[error("the account has as many presets as it may")]
    TooManyPresets,
    #[error("a limit would be below what was spent under it")]
    BelowSpent,
    #[error("only a person may do this to a key")]
    ForPeople,
    #[error("no such row")]
    NotFound,
    #[error("the database runs with {0} off, so a commit could be lost")]
    NotDurable(&'static str),
    #[error("a stored value cannot be read: {0}")]
    Unreadable(&'static str),
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Turns the violation of a named constraint into the outcome it stands for.
pub(crate) trait OnConstraint<T> {
    fn on_constraint(self, name: &str, outcome: Error) -> Result<T>;
}

impl<T> OnConstraint<T> for std::result::Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, outcome: Error) -> Result<T> {
        self.map_err(|error| match error.as_database_error() {
            Some(cause) if cause.constraint() == Some(name) => outcome,
            _ => Error::Database(error),
        })
    }
}
