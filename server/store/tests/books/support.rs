//! A database of its own for each test, with somebody who has paid in and a model for sale.

use marketplace::account::{Email, Role};
use marketplace::billing::TopUpState;
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId, TopUpId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, Price, Rates, TakeRate};
use marketplace::scope::Scope;
use marketplace::usage::{Tokens, UsageSource};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::PgPool;
use store::Db;
use store::account::{NewAccount, insert_account};
use store::api_key::KeyTerms;
use store::books::{INVARIANTS, Violation, check_recent, list_violations};
use store::ledger::{Capture, Captured, Reservation, Reserved, capture, get_balance, reserve};
use store::price::{Offer, set_prices};
use store::seeded::plant;
use store::top_up::{Recorded, insert_top_up, record_payment};
use uuid::Uuid;

/// A size of the short run, or of the full one.
pub fn sized<T>(short: T, full: T) -> T {
    if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { full } else { short }
}

/// Dice that fall the same way again when their seed is given as `MERCATO_SEED`.
pub fn dice(name: &str) -> StdRng {
    let given =
        std::env::var("MERCATO_SEED").ok().map(|seed| seed.parse().expect("MERCATO_SEED is a number"));
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("{name}: MERCATO_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A key that may do what is usual.
pub fn without_limits(name: &str) -> KeyTerms<'_> {
    KeyTerms {
        name,
        limit: None,
        limit_reset: None,
        expires_at: None,
        scopes: &Scope::USUAL,
        models: None,
        addresses: None,
        requests_a_minute: None,
        tokens_a_minute: None,
        disabled: None,
    }
}

pub struct Books {
    /// With the rights of the server.
    pub db: Db,
    /// With every right, to look and to tamper.
    pub root: PgPool,
    pub account: AccountId,
    pub top_up: TopUpId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub price: PriceId,
    pub server: Uuid,
}

impl Books {
    /// One account with so many nano-dollars, and one model for sale.
    pub async fn with(root: PgPool, amount: i64) -> Self {
        plant(&mut root.acquire().await.unwrap()).await.unwrap();
        let db = Db::open(root.connect_options().as_ref().clone(), 16).await.unwrap();
        let account = person(&db, "ada@example.org").await;
        let top_up = pay_in(&db, account, amount).await;
        let (model, provider) =
            (ModelId::parse("openai/gpt-5-mini").unwrap(), ProviderId("openai".to_owned()));
        let rates = Rates { input: Rate(250_000_000), output: Rate(2_000_000_000), ..Rates::default() };
        let price = Price { rates, ..Price::default() };
        let offer = Offer { model: &model, provider: &provider, price: &price, free: false, from: None };
        let price = set_prices(&db, &[offer]).await.unwrap()[0];
        Self { db, root, account, top_up, model, provider, price, server: Uuid::now_v7() }
    }

    pub fn reservation(&self, want: i64, least: i64) -> Reservation<'_> {
        Reservation {
            call: CallId(Uuid::now_v7()),
            account: self.account,
            key: None,
            conversation: None,
            model: &self.model,
            provider: &self.provider,
            price: self.price,
            take: TakeRate::STANDARD,
            want: Nanos(want),
            least: Nanos(least),
            free_tokens: None,
            run: None,
            instance: self.server,
        }
    }

    pub async fn reserve(&self, wanted: Reservation<'_>) -> (CallId, Reserved) {
        (wanted.call, reserve(&self.db, &wanted).await.unwrap())
    }

    pub async fn hold(&self, want: i64) -> CallId {
        let (call, reserved) = self.reserve(self.reservation(want, want)).await;
        assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
        call
    }

    pub async fn capture(&self, call: CallId, cost: i64, commission: i64) -> Captured {
        capture(&self.db, &used(call, cost, commission, 1)).await.unwrap()
    }

    pub async fn available(&self) -> i64 {
        get_balance(&self.db, self.account).await.unwrap().available_nanos.0
    }

    pub async fn violations(&self) -> Vec<Violation> {
        let mut broken = Vec::new();
        for invariant in INVARIANTS {
            broken.extend(list_violations(&self.db, invariant, 10).await.unwrap());
        }
        broken
    }

    /// Both the whole check and the running one find nothing.
    pub async fn assert_balanced(&self) {
        assert_eq!(self.violations().await, []);
        assert_eq!(self.checked().await, Vec::<String>::new());
    }

    /// What the running check finds, once it has got as far as the newest entry.
    pub async fn checked(&self) -> Vec<String> {
        let behind = "select count(*) from ledger_entry where xid >= (select max(upto) from book_check)";
        loop {
            let broken = check_recent(&self.db).await.unwrap().unwrap();
            let left: i64 = sqlx::query_scalar(behind).fetch_one(&self.root).await.unwrap();
            if !broken.is_empty() || left == 0 {
                return broken;
            }
        }
    }

    pub async fn tamper(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.root).await.unwrap();
    }
}

pub async fn person(db: &Db, email: &str) -> AccountId {
    let email = Email::parse(email).unwrap();
    let new = NewAccount { email: &email, password_hash: "-", name: None, role: Role::User };
    insert_account(db, &new).await.unwrap()
}

pub async fn pay_in(db: &Db, account: AccountId, amount: i64) -> TopUpId {
    let top_up = insert_top_up(db, account, "test", Nanos(amount)).await.unwrap().id;
    let event = Uuid::now_v7().to_string();
    let paid = record_payment(db, "test", &event, top_up, TopUpState::Paid, Nanos(amount)).await.unwrap();
    assert_eq!(paid, Recorded::Credited);
    top_up
}

pub fn charge(cost: i64, commission: i64) -> Charge {
    Charge { provider_cost: Nanos(cost), commission: Nanos(commission), charge: Nanos(cost + commission) }
}

pub fn used(call: CallId, cost: i64, commission: i64, output: u64) -> Capture {
    let tokens = Tokens { output, ..Tokens::default() };
    let charge = charge(cost, commission);
    Capture { call, tokens, source: UsageSource::Provider, charge, finish: "stop".to_owned(), taken: None }
}
