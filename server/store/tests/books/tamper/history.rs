//! Books in which everything has happened once, sealed in two blocks, with a backup of what was there in between.

use chrono::{TimeDelta, Utc};
use marketplace::account::Email;
use marketplace::billing::TopUpState;
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Price, Rates};
use sqlx::{AssertSqlSafe, PgPool};
use store::account::update_verified;
use store::audit::{NewEvent, insert_event};
use store::correction::{Adjustment, give_promo, propose_adjustment};
use store::ledger::{Reservation, capture, release};
use store::price::{Offer, set_prices};
use store::top_up::record_payment;
use uuid::Uuid;

use super::changes::TABLES;
use crate::support::{Books, pay_in, person, used};

/// Beside those that are tampered with, for a backup of the whole.
pub const ALSO_KEPT: [&str; 4] = ["grant_", "top_up", "payment_event", "ledger_block"];

impl Books {
    pub async fn busy(root: PgPool) -> Self {
        let mut market = Self::with(root, 1_000_000).await;
        market.live().await;
        market.seal_everything().await;
        market.back_up().await;
        market.change_the_price().await;
        market.live().await;
        market.seal_everything().await;
        // An open call, whose parts are held and not posted.
        market.hold(200).await;
        market
    }

    /// A while in which every kind of transaction happens. What is not money comes first, so that it is sealed as well.
    async fn live(&self) {
        for action in ["key.make", "key.revoke", "plan.choose"] {
            let subject = format!("user:{}", self.account.0);
            let event = NewEvent { actor: "system", action, subject: &subject, reason: Some("a test") };
            insert_event(&self.db, &event).await.unwrap();
        }
        let detailed = "insert into audit_event (actor, action, subject, detail)
            values ('system', 'price.set', 'openai/gpt-5-mini', '{\"input\": 5}')";
        sqlx::query(detailed).execute(&self.root).await.unwrap();
        let until = Utc::now() + TimeDelta::days(30);
        let promo =
            give_promo(&self.db, Uuid::now_v7(), self.account, Nanos(150), until, ("welcome", "system"));
        assert!(promo.await.unwrap());
        let operator = person(&self.db, &format!("{}@example.org", Uuid::now_v7().simple())).await;
        let new = Adjustment {
            id: Uuid::now_v7(),
            account: self.account,
            amount: Nanos(77),
            reason: "goodwill",
            operator,
        };
        propose_adjustment(&self.db, &new).await.unwrap();
        let paid = pay_in(&self.db, self.account, 5_000).await;
        let event = Uuid::now_v7().to_string();
        let refund = record_payment(&self.db, "test", &event, paid, TopUpState::Refunded, Nanos(300));
        refund.await.unwrap();
        for _ in 0..4 {
            let call = self.hold(200).await;
            self.capture(call, 70, 30).await;
        }
        let beyond = self.hold(600).await;
        self.capture(beyond, 7_000, 3_000).await;
        let left = self.hold(300).await;
        release(&self.db, left, "stopped").await.unwrap();
        self.spend_free_tokens().await;
    }

    async fn spend_free_tokens(&self) {
        let address = Email::parse("ada@example.org").unwrap();
        update_verified(&self.db, self.account, &address).await.unwrap();
        let wanted = Reservation { free_tokens: Some((200, 100)), ..self.reservation(500, 100) };
        let (call, _) = self.reserve(wanted).await;
        capture(&self.db, &used(call, 70, 0, 150)).await.unwrap();
    }

    async fn change_the_price(&mut self) {
        let rates = Rates { input: Rate(275_000_000), output: Rate(2_200_000_000), ..Rates::default() };
        let price = Price { rates, ..Price::default() };
        let offer =
            Offer { model: &self.model, provider: &self.provider, price: &price, free: false, from: None };
        self.price = set_prices(&self.db, &[offer]).await.unwrap()[0];
    }

    async fn back_up(&self) {
        let mut backup = "create schema backup;".to_owned();
        for table in TABLES.iter().chain(&ALSO_KEPT) {
            backup.push_str(&format!("create table backup.{table} as select * from {table};"));
        }
        sqlx::raw_sql(AssertSqlSafe(backup)).execute(&self.root).await.unwrap();
    }
}
