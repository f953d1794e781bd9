//! Looks at the books all the time while others race: every look must find them whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use sqlx::{PgPool, Row};
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_millis(200);

/// What must never be found, each as a query that answers nothing when all is well.
const WRONGS: [(&str, &str); 6] = [
    (
        "the entries of an asset sum to",
        "select asset as subject, sum(amount)::text as detail from ledger_entry group by asset having sum(amount) <> 0",
    ),
    (
        "a wallet is not its entries:",
        "select w.account_id || ':' || w.fund as subject, concat(w.posted, ' against ', coalesce(e.sum, 0)) as detail
        from wallet w left join (
            select account_id, fund, sum(amount) as sum from ledger_entry where account_id is not null group by 1, 2
        ) e using (account_id, fund)
        where w.posted <> coalesce(e.sum, 0)",
    ),
    (
        "what a wallet holds is not its open holds:",
        "select w.account_id || ':' || w.fund as subject, concat(w.held, ' against ', coalesce(p.sum, 0)) as detail
        from wallet w left join (
            select account_id, fund, sum(part) as sum
            from hold, lateral (values ('paid', amount - promo), ('promo', promo), ('free', free_tokens)) as f (fund, part)
            where state = 'open' group by 1, 2
        ) p using (account_id, fund)
        where w.held <> coalesce(p.sum, 0)",
    ),
    (
        "below zero:",
        "select account_id || ':' || fund as subject, concat(posted, ' with ', held, ' held') as detail
        from wallet where posted < 0 or held < 0 or posted - held < 0",
    ),
    (
        "what a key holds or spent is not its calls:",
        "select k.api_key_id::text as subject, concat(k.held_nanos, ' and ', k.spent_nanos) as detail
        from api_key k
            left join (select api_key_id, sum(amount) as sum from hold where state = 'open' group by 1) h using (api_key_id)
            left join (select api_key_id, sum(charge - overrun) as sum from usage_call group by 1) u using (api_key_id)
        where k.held_nanos <> coalesce(h.sum, 0) or k.spent_nanos <> coalesce(u.sum, 0)",
    ),
    (
        "what a budget holds or spent is not its calls:",
        "select concat(b.scope, ' ', b.subject) as subject, concat(b.held_nanos, ' and ', b.spent_nanos) as detail
        from budget b left join (
            select budget_id, sum(h.amount) filter (where state = 'open') as held, sum(u.charge - u.overrun) as spent
            from hold h cross join unnest(h.budget_ids) as budget_id left join usage_call u using (call_id)
            group by 1
        ) c using (budget_id)
        where b.resets is null
            and (b.held_nanos <> coalesce(c.held, 0) or b.spent_nanos <> coalesce(c.spent, 0))",
    ),
];

pub struct Probe {
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<Looks>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Looks {
    pub taken: usize,
    /// The database could not be asked.
    pub missed: usize,
    pub wrongs: Vec<String>,
}

impl Probe {
    pub fn start(db: PgPool) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let looking = tokio::spawn(async move {
            let mut looks = Looks::default();
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            while !over.load(Relaxed) {
                ticks.tick().await;
                match look(&db).await {
                    Ok(wrongs) => {
                        looks.taken += 1;
                        looks.wrongs.extend(wrongs);
                    }
                    Err(_) => looks.missed += 1,
                }
            }
            looks
        });
        Self { is_over, looking }
    }

    /// Stops looking; fails if anything was ever wrong.
    pub async fn finish(self) -> Looks {
        self.is_over.store(true, Relaxed);
        let looks = self.looking.await.unwrap();
        assert!(looks.wrongs.is_empty(), "the books were wrong while in use: {:#?}", looks.wrongs);
        assert!(looks.taken > 0, "nobody looked at the books");
        looks
    }
}

async fn look(db: &PgPool) -> sqlx::Result<Vec<String>> {
    let mut moment = db.begin_with("begin isolation level repeatable read read only").await?;
    let mut wrongs = Vec::new();
    for (wrong, query) in WRONGS {
        for row in sqlx::query(query).fetch_all(&mut *moment).await? {
            let (subject, detail): (String, String) = (row.try_get("subject")?, row.try_get("detail")?);
            wrongs.push(format!("{wrong} {subject} {detail}"));
        }
    }
    moment.rollback().await?;
    Ok(wrongs)
}
