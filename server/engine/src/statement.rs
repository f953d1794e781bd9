//! Monthly statements, signed with the key that seals the books.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marketplace::fault::Fault;
use marketplace::statement::{Month, Statement, signed_message, write};

use crate::{Actor, Engine, Error, Result};

/// A statement and the file that proves it.
#[derive(Clone, Debug)]
pub struct SignedStatement {
    pub statement: Statement,
    pub file: String,
}

impl Engine {
    /// The months there are statements for, newest first: from the one that runs back to that of the sign-up.
    pub async fn list_statements(&self, actor: &Actor) -> Result<Vec<Month>> {
        let (first, last) = store::statement::get_months(&self.0.db, actor.account()?).await?;
        let before = |month: &Month| Some(month.previous()).filter(|month| *month >= first);
        Ok(std::iter::successors(Some(last), before).collect())
    }

    /// Signs whatever the books say, right or wrong: a statement that does not add up is its owner's evidence.
    pub async fn statement(&self, actor: &Actor, month: Month) -> Result<SignedStatement> {
        let account = actor.account()?;
        let (first, last) = store::statement::get_months(&self.0.db, account).await?;
        if !(first..=last).contains(&month) {
            return Err(Fault::not_found(&format!("A statement for {month}")).into());
        }
        let statement = store::statement::get_statement(&self.0.db, account, month).await?;
        let text = serde_json::to_string(&statement).map_err(|cause| Error::Seal(cause.to_string()))?;
        let secrets = &self.0.secrets;
        let signature = secrets.sign_seal(&signed_message(&text));
        Ok(SignedStatement { file: write(&text, secrets.seal_public_key(), &signature), statement })
    }

    /// The key that signs them, in base64, as the state of the books tells it too.
    pub fn statement_key(&self, _actor: &Actor) -> String {
        STANDARD.encode(self.0.secrets.seal_public_key())
    }
}

#[cfg(test)]
mod tests {
    use marketplace::statement::verify;

    use super::*;
    use crate::MasterKey;
    use crate::secrets::Secrets;

    #[test]
    fn a_signature_of_ours_passes_the_check_that_everybody_has() {
        let golden = include_str!("../../../src/statement/golden.json");
        let text = serde_json::to_string(&verify(golden, None).unwrap().statement).unwrap();
        let secrets = Secrets::derive(&MasterKey::new([7; 32])).unwrap();
        let file = write(&text, secrets.seal_public_key(), &secrets.sign_seal(&signed_message(&text)));
        let key = STANDARD.encode(secrets.seal_public_key());
        assert_eq!(verify(&file, Some(&key)).unwrap().public_key, key);
    }
}
