//! Figures for whoever watches the server run, read from the books in one statement.

use marketplace::money::Nanos;

use crate::{Db, Result};

/// How the books stand. Ages are in seconds, and absent where a thing has not happened yet.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub stopped: bool,
    pub broken_recent: Vec<String>,
    pub broken_whole: Vec<String>,
    pub recent_check_age: Option<i64>,
    pub whole_check_age: Option<i64>,
    pub seal_age: Option<i64>,
    pub open_holds: i64,
    pub oldest_hold_age: i64,
    /// What the house paid since the beginning.
    pub overrun: Nanos,
    pub abort_leak: Nanos,
    pub crash_leak: Nanos,
    /// Charged in the last hour, and the part of it that we had to count ourselves.
    pub charged: Nanos,
    pub charged_by_estimate: Nanos,
    pub prices_waiting: i64,
}

/// A set of connections: how many may be open, are, and of those wait to be used.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    pub name: &'static str,
    pub max: u32,
    pub size: u32,
    pub idle: usize,
}

impl Db {
    pub fn pools(&self) -> [Pool; 2] {
        [("people", self.people()), ("books", self.books())].map(|(name, pool)| Pool {
            name,
            max: pool.options().get_max_connections(),
            size: pool.size(),
            idle: pool.num_idle(),
        })
    }
}

pub async fn get_figures(db: &Db) -> Result<Figures> {
    let row = sqlx::query!(
        r#"
        select exists (select from book_state where safe_since is not null) as "stopped!",
            coalesce(recent.broken, '{}') as "broken_recent!", recent.age as "recent_age?",
            coalesce(whole.broken, '{}') as "broken_whole!", whole.age as "whole_age?",
            (select extract(epoch from now() - sealed_at)::bigint from ledger_block
                order by block_no desc limit 1) as seal_age,
            holds.open as "open!", holds.oldest as "oldest!",
            loss.overrun as "overrun!", loss.aborted as "aborted!", loss.crashed as "crashed!",
            hour.charged as "charged!", hour.estimated as "estimated!",
            (select count(*) from price_change where state = 'waiting') as "prices_waiting!"
        from (
            select count(*) as open,
                coalesce(extract(epoch from now() - min(opened_at)), 0)::bigint as oldest
            from hold where state = 'open'
        ) as holds, (
            -- Losses are entries below zero.
            select coalesce(-sum(amount) filter (where account = 'platform:overrun'), 0)::bigint as overrun,
                coalesce(-sum(amount) filter (where account = 'platform:abort_leak'), 0)::bigint as aborted,
                coalesce(-sum(amount) filter (where account = 'platform:crash_leak'), 0)::bigint as crashed
            from ledger_entry
            where account in ('platform:overrun', 'platform:abort_leak', 'platform:crash_leak')
        ) as loss, (
            select coalesce(sum(charge), 0)::bigint as charged,
                coalesce(sum(charge) filter (where usage_source = 'estimated'), 0)::bigint as estimated
            from usage_call where settled_at > now() - interval '1 hour'
        ) as hour
            left join lateral (
                select broken, extract(epoch from now() - finished_at)::bigint as age
                from book_check where scope = 'recent' order by check_id desc limit 1
            ) as recent on true
            left join lateral (
                select broken, extract(epoch from now() - finished_at)::bigint as age
                from book_check where scope = 'whole' order by check_id desc limit 1
            ) as whole on true
        "#
    )
    .fetch_one(db.books())
    .await?;
    Ok(Figures {
        stopped: row.stopped,
        broken_recent: row.broken_recent,
        broken_whole: row.broken_whole,
        recent_check_age: row.recent_age,
        whole_check_age: row.whole_age,
        seal_age: row.seal_age,
        open_holds: row.open,
        oldest_hold_age: row.oldest,
        overrun: Nanos(row.overrun),
        abort_leak: Nanos(row.aborted),
        crash_leak: Nanos(row.crashed),
        charged: Nanos(row.charged),
        charged_by_estimate: Nanos(row.estimated),
        prices_waiting: row.prices_waiting,
    })
}
