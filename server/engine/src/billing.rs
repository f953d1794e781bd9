//! A buyer's money: what is there, what happened to it, and how more comes in.

use marketplace::billing::{Balance, LedgerLine, TopUp, parse_top_up};
use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, TopUpId};
use marketplace::money::Nanos;
use marketplace::plan::{Grant, Plan, Subscription};
use marketplace::receipt::Receipt;

use crate::gateway;
use crate::{Actor, Engine, Result};

pub const LINES_A_PAGE: i64 = 50;

impl Engine {
    pub async fn balance(&self, actor: &Actor) -> Result<Balance> {
        Ok(store::ledger::get_balance(&self.0.db, actor.account()?).await?)
    }

    /// Every plan there is, for everybody.
    pub async fn list_plans(&self, _actor: &Actor) -> Result<Vec<Plan>> {
        Ok(store::plan::list_plans(&self.0.db).await?)
    }

    /// What the caller pays for each month, if anything.
    pub async fn subscription(&self, actor: &Actor) -> Result<Option<Subscription>> {
        Ok(store::plan::find_subscription(&self.0.db, actor.account()?).await?)
    }

    /// What the house gave the caller and is not spent.
    pub async fn list_grants(&self, actor: &Actor) -> Result<Vec<Grant>> {
        Ok(store::correction::list_grants(&self.0.db, actor.account()?).await?)
    }

    /// What came in so far, and what was spent on calls.
    pub async fn turnover(&self, actor: &Actor) -> Result<(Nanos, Nanos)> {
        Ok(store::ledger::get_turnover(&self.0.db, actor.account()?).await?)
    }

    /// Newest first; `before` is the version of the last line already seen.
    pub async fn list_ledger(&self, actor: &Actor, before: Option<i64>) -> Result<Vec<LedgerLine>> {
        self.ledger_page(actor, before, LINES_A_PAGE).await
    }

    /// The same, so many at once.
    pub async fn ledger_page(
        &self,
        actor: &Actor,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<LedgerLine>> {
        Ok(store::ledger::list_lines(&self.0.db, actor.account()?, before, limit).await?)
    }

    pub async fn receipt(&self, actor: &Actor, call: CallId) -> Result<Receipt> {
        let receipt = store::call::find_receipt(&self.0.db, actor.account()?, call).await?;
        Ok(receipt.ok_or_else(|| Fault::not_found("This receipt"))?)
    }

    /// Orders a payment. The balance changes only when the processor reports that it was made.
    pub async fn start_top_up(&self, actor: &Actor, amount_usd: &str) -> Result<TopUp> {
        // It changes something, so what only reads or runs models does not do it.
        let account = actor.manager()?;
        let amount = parse_top_up(amount_usd)?;
        if !self.0.test_gateway {
            let message = "No payment processor is configured, so funds cannot be added here yet";
            return Err(Fault::new(Code::Unavailable, message).into());
        }
        Ok(store::top_up::insert_top_up(&self.0.db, account, gateway::PROCESSOR, amount).await?)
    }

    pub async fn top_up(&self, actor: &Actor, id: TopUpId) -> Result<TopUp> {
        let top_up = store::top_up::find_top_up(&self.0.db, actor.account()?, id).await?;
        Ok(top_up.ok_or_else(|| Fault::not_found("This payment"))?)
    }

    pub async fn list_top_ups(&self, actor: &Actor) -> Result<Vec<TopUp>> {
        Ok(store::top_up::list_top_ups(&self.0.db, actor.account()?, 20).await?)
    }
}
