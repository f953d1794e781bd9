//! Money set aside before a call comes: a hold like any other, until its call takes it or it is put back.

use std::time::Duration;

use marketplace::id::{CallId, KeyId};
use marketplace::money::Nanos;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use store::Db;
use store::api_key::{KeyTerms, Secret, insert_key};
use store::budget::{Scope, set_budget};
use store::correction::give_promo;
use store::ledger::{
    AHEAD_MAX, Capture, Follower, Limit, Progress, Reservation, Reserved, Taken, capture, capture_many,
    checkpoint, put_all_back, put_back_idle, reap, reserve, set_aside_next, take,
};
use uuid::Uuid;

use crate::support::{Books, charge, used, without_limits};

const RICH: i64 = 1_000_000;
/// What a hold ahead is larger than the last.
const GROWN: i64 = 1_250;
const SET_ASIDE: &str =
    "select coalesce(sum(amount), 0)::bigint from hold where set_aside and closed_at is null";

async fn key(market: &Books, limit: Option<Nanos>) -> Option<KeyId> {
    let digest = Uuid::now_v7().as_bytes().repeat(2);
    let secret = Secret { prefix: "mk_", digest: &digest };
    let terms = KeyTerms { limit, ..without_limits("agent") };
    Some(insert_key(&market.db, market.account, secret, &terms).await.unwrap().id)
}

/// One call as the server makes it; the hold that waited for it, if one did.
async fn call(db: &Db, wanted: Reservation<'_>) -> (CallId, Option<Taken>, Follower) {
    let follower = Follower::new(&wanted).unwrap();
    let taken = take(db, &follower);
    if taken.is_none() {
        let reserved = reserve(db, &wanted).await.unwrap();
        assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
    }
    (taken.map_or(wanted.call, |taken| taken.call), taken, follower)
}

/// Two calls of a thousand that follow each other, so that a third is expected.
async fn two(market: &Books, db: &Db, key: Option<KeyId>) {
    for _ in 0..2 {
        let (id, taken, follower) = call(db, Reservation { key, ..market.reservation(1_000, 1_000) }).await;
        assert_eq!(taken, None);
        let captured = capture(db, &used(id, 70, 30, 1)).await.unwrap();
        set_aside_next(db, &follower, captured.available).await.unwrap();
    }
}

async fn set_aside(market: &Books) -> i64 {
    sqlx::query_scalar(SET_ASIDE).fetch_one(&market.root).await.unwrap()
}

async fn one(market: &Books, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(&market.root).await.unwrap()
}

const KEYS: &str =
    "select string_agg(format('%s %s', held_nanos, spent_nanos), ', ' order by api_key_id) from api_key";

#[sqlx::test(migrations = "../../migrations")]
async fn the_third_of_a_row_finds_its_hold_made_and_never_pays_more_than_it_could_cost(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let key = key(&market, Some(Nanos(500_000))).await;
    set_budget(&market.db, market.account, &Scope::Account, Some(Nanos(600_000)), None).await.unwrap();
    two(&market, &market.db, key).await;
    assert_eq!(set_aside(&market).await, GROWN);
    // It is there for any other call, and so it is told.
    assert_eq!(market.available().await, RICH - 200);
    market.assert_balanced().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Larger than what waits: it asks for itself, and what waits goes on waiting.
    let larger = Follower::new(&Reservation { key, ..market.reservation(GROWN + 1, 1) }).unwrap();
    assert_eq!(take(&market.db, &larger), None);
    let wanted = Reservation { key, ..market.reservation(1_100, 1_100) };
    let (id, taken, follower) = call(&market.db, wanted).await;
    let taken = taken.unwrap();
    assert_eq!((taken.call, taken.most), (id, Nanos(1_100)));
    // No other call can take the same.
    assert_eq!(take(&market.db, &follower), None);
    // Its vendor reports more than the call could cost, though not more than is held: the house pays.
    let captured =
        capture(&market.db, &Capture { taken: Some(taken), ..used(id, 805, 345, 1) }).await.unwrap();
    assert_eq!((captured.applied, captured.paid, captured.overrun), (true, Nanos(1_100), Nanos(50)));
    assert_eq!(captured.released, Nanos::ZERO);
    assert_eq!(market.available().await, RICH - 100 - 100 - 1_100);
    assert_eq!(one(&market, KEYS).await, "0 1300");
    assert_eq!(one(&market, "select format('%s %s', held_nanos, spent_nanos) from budget").await, "0 1300");
    let hold = "select format('%s %s %s', amount, surplus, state) from hold order by closed_at desc limit 1";
    assert_eq!(one(&market, hold).await, "1100 150 captured");
    // It began when it came, not when its hold was made.
    let late =
        "select (u.started_at - h.opened_at >= '40 ms')::text from usage_call u join hold h using (call_id)
        order by h.closed_at desc limit 1";
    assert_eq!(one(&market, late).await, "true");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_set_aside_for_who_may_not_come_or_could_not_spare_it(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let (first, second) = (key(&market, None).await, key(&market, Some(Nanos(1_300))).await);
    for other in [
        Reservation { key: None, ..market.reservation(10, 10) },
        Reservation {
            key: first,
            run: Some(store::ledger::Run { id: "r", limit: None }),
            ..market.reservation(10, 10)
        },
        Reservation { key: first, ..market.reservation(0, 0) },
    ] {
        assert!(Follower::new(&other).is_none(), "{other:?}");
    }
    // A twentieth of what is left is the most.
    let (mut left, mut asked) = (Nanos::ZERO, Vec::new());
    for available in [RICH, 20 * GROWN - 1, 20 * GROWN] {
        let wanted = Reservation { key: first, ..market.reservation(1_000, 1_000) };
        let (id, taken, follower) = call(&market.db, wanted).await;
        assert_eq!(taken, None);
        left = capture(&market.db, &used(id, 7, 3, 1)).await.unwrap().available;
        set_aside_next(&market.db, &follower, Nanos(available)).await.unwrap();
        asked.push(set_aside(&market).await);
    }
    assert_eq!(asked, [0, 0, GROWN]);
    // The second key has no room for one more.
    two(&market, &market.db, second).await;
    assert_eq!(set_aside(&market).await, GROWN);
    put_all_back(&market.db).await.unwrap();
    assert_eq!((set_aside(&market).await, market.available().await), (0, left.0 - 200));
    // A server that stops sets nothing aside any more.
    two(&market, &market.db, first).await;
    assert_eq!(set_aside(&market).await, 0);
    // Who still has free tokens spends those.
    market.tamper("update account set verified_at = now()").await;
    let db = another(&market).await;
    let free =
        || Reservation { key: first, free_tokens: Some((200, 100)), ..market.reservation(1_000, 1_000) };
    let mut spent = Vec::new();
    for _ in 0..6 {
        let (id, taken, follower) = call(&db, free()).await;
        spent.push(taken.is_some());
        capture(&db, &Capture { taken, ..used(id, 70, 30, 200) }).await.unwrap();
        set_aside_next(&db, &follower, Nanos(RICH)).await.unwrap();
    }
    // A thousand of them are five calls; only then money is set aside.
    assert_eq!(spent, [false, false, false, false, false, true]);
    assert_eq!(set_aside(&market).await, GROWN);
    put_all_back(&db).await.unwrap();
    // Gifts run out, so they are spent as they are asked for.
    let db = another(&market).await;
    let soon = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    give_promo(&market.db, Uuid::now_v7(), market.account, Nanos(100_000), soon, ("welcome", "test"))
        .await
        .unwrap();
    two(&market, &db, first).await;
    assert_eq!(set_aside(&market).await, 0);
    market.assert_balanced().await;
}

async fn another(market: &Books) -> Db {
    Db::open(market.root.connect_options().as_ref().clone(), 8).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_price_another_key_and_the_end_of_its_time_leave_a_hold_unused(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let (own, other) = (key(&market, None).await, key(&market, None).await);
    two(&market, &market.db, own).await;
    let asking = |key| Reservation { key, ..market.reservation(1_000, 1_000) };
    assert_eq!(take(&market.db, &Follower::new(&asking(other)).unwrap()), None);
    let dearer = Reservation { price: marketplace::id::PriceId(Uuid::now_v7()), ..asking(own) };
    assert_eq!(take(&market.db, &Follower::new(&dearer).unwrap()), None);
    put_back_idle(&market.db).await.unwrap();
    assert_eq!(set_aside(&market).await, GROWN);
    tokio::time::sleep(AHEAD_MAX).await;
    assert_eq!(take(&market.db, &Follower::new(&asking(own)).unwrap()), None);
    put_back_idle(&market.db).await.unwrap();
    assert_eq!(set_aside(&market).await, 0);
    assert_eq!(one(&market, "select count(*)::text from hold").await, "2");
    assert_eq!(market.available().await, RICH - 200);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_there_goes_before_who_may_come(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let limited = key(&market, Some(Nanos(100_000))).await;
    two(&market, &market.db, limited).await;
    assert_eq!(set_aside(&market).await, GROWN);
    // All that the key has left, and all that the account has left.
    let rest = Reservation { key: limited, ..market.reservation(99_800, 99_800) };
    let held = reserve(&market.db, &rest).await.unwrap();
    assert!(matches!(held, Reserved::Held { amount: Nanos(99_800), .. }), "{held:?}");
    capture(&market.db, &used(rest.call, 0, 0, 0)).await.unwrap();
    let open = key(&market, None).await;
    two(&market, &market.db, open).await;
    assert_eq!(set_aside(&market).await, GROWN);
    let all = market.reservation(RICH - 400, RICH - 400);
    let held = reserve(&market.db, &all).await.unwrap();
    assert!(matches!(held, Reserved::Held { available: Nanos(0), .. }), "{held:?}");
    capture(&market.db, &used(all.call, 0, 0, 0)).await.unwrap();
    // What is really not there is refused at once.
    let begun = std::time::Instant::now();
    let more = Reservation { key: limited, ..market.reservation(99_801, 99_801) };
    let refused = reserve(&market.db, &more).await.unwrap();
    assert!(matches!(refused, Reserved::LimitReached { limit: Limit::Key, .. }), "{refused:?}");
    let refused = reserve(&market.db, &market.reservation(RICH, RICH)).await.unwrap();
    assert_eq!(refused, Reserved::BalanceShort { available: Nanos(RICH - 400) });
    assert!(begun.elapsed() < Duration::from_secs(1));
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_another_server_has_set_aside_is_waited_for(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let key = key(&market, None).await;
    let other = another(&market).await;
    // Both servers doubt the account, which must not make them refuse what is only set aside.
    let too_much = reserve(&market.db, &market.reservation(2 * RICH, 2 * RICH)).await.unwrap();
    assert!(matches!(too_much, Reserved::BalanceShort { .. }));
    two(&market, &other, key).await;
    assert_eq!(set_aside(&market).await, GROWN);
    let cleaning = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            put_back_idle(&other).await.unwrap();
        }
    };
    let all = market.reservation(RICH - 200, RICH - 200);
    let held = tokio::select! {
        held = reserve(&market.db, &all) => held.unwrap(),
        () = cleaning => unreachable!(),
    };
    assert!(matches!(held, Reserved::Held { available: Nanos(0), .. }), "{held:?}");
    capture(&market.db, &used(all.call, 0, 0, 0)).await.unwrap();
    market.assert_balanced().await;
}

const LEASES_END: &str = "update hold set lease_until = now() - interval '1 second' where closed_at is null";

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_dead_server_had_set_aside_is_closed_like_any_other_hold(root: PgPool) {
    let market = Books::with(root, RICH).await;
    let (idle, begun) = (key(&market, None).await, key(&market, None).await);
    two(&market, &market.db, idle).await;
    two(&market, &market.db, begun).await;
    let wanted = Reservation { key: begun, ..market.reservation(900, 900) };
    let (id, taken, _) = call(&market.db, wanted).await;
    assert!(taken.is_some());
    // Written down as a call once; its vendor has delivered more than it could cost.
    let progress = Progress { call: id, input: 3, output: 5, charge: charge(700, 300), most: Nanos(900) };
    assert_eq!(checkpoint(&market.db, market.server, &[progress]).await.unwrap(), [id]);
    assert_eq!(set_aside(&market).await, GROWN);
    // A server that was only frozen finds that its call was closed by others, who could not know of it.
    let wanted = Reservation { key: idle, ..market.reservation(1_000, 1_000) };
    let (gone, taken, _) = call(&market.db, wanted).await;
    market.tamper(LEASES_END).await;
    assert_eq!(reap(&market.db, Uuid::now_v7()).await.unwrap(), 2);
    let lost = capture(&market.db, &Capture { taken, ..used(gone, 70, 30, 1) }).await.unwrap();
    assert!(taken.is_some() && !lost.applied && lost.paid == Nanos::ZERO, "{lost:?}");
    let calls = "select string_agg(format('%s %s', charge, overrun), ', ' order by charge)
        from usage_call where finish = 'interrupted'";
    assert_eq!(one(&market, calls).await, "0 0, 1000 100");
    assert_eq!(market.available().await, RICH - 400 - 900);
    assert_eq!(one(&market, "select count(*)::text from hold where state = 'open'").await, "0");
    market.assert_balanced().await;
}

/// The same again by an account of its own: what is there, held and spent, in whole numbers, and nothing else.
#[derive(Debug, Default)]
struct Oracle {
    paid: i64,
    held: i64,
    calls: usize,
}

#[sqlx::test(migrations = "../../migrations")]
async fn whatever_comes_in_whatever_order_the_books_say_what_an_oracle_says(root: PgPool) {
    let seed = rand::rng().random::<u64>();
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let market = Books::with(root, RICH).await;
    let keys = [key(&market, None).await, key(&market, Some(Nanos(300_000))).await];
    let servers = [another(&market).await, another(&market).await];
    let (mut oracle, mut open, mut taken_ones) = (Oracle::default(), Vec::new(), 0);
    for _ in 0..300 {
        let server = &servers[dice.random_range(0..2)];
        match dice.random_range(0..10) {
            0..5 => {
                let want = dice.random_range(500..1_000);
                let wanted =
                    Reservation { key: keys[dice.random_range(0..2)], ..market.reservation(want, want) };
                let (id, taken, follower) = call(server, wanted).await;
                taken_ones += usize::from(taken.is_some());
                oracle.held += want;
                open.push((id, taken, follower, want, server));
            }
            5..9 if !open.is_empty() => {
                // One, or several at once, by the server that has them.
                let many = dice.random_range(1..=open.len().min(4));
                let ended: Vec<_> = open.drain(..many).collect();
                let mut uses = Vec::new();
                for (id, taken, _, want, _) in &ended {
                    // Three tenths, rounded up.
                    let charged: i64 = dice.random_range(10..1_300);
                    let commission = (charged * 3 + 9) / 10;
                    uses.push(Capture { taken: *taken, ..used(*id, charged - commission, commission, 1) });
                    oracle.paid += charged.min(*want);
                    oracle.held -= want;
                    oracle.calls += 1;
                }
                let db = ended[0].4;
                let captured = match uses.as_slice() {
                    [one] => vec![capture(db, one).await.unwrap()],
                    group => capture_many(db, group).await.unwrap(),
                };
                assert_eq!(captured.len(), uses.len());
                for (_, _, follower, _, server) in &ended {
                    set_aside_next(server, follower, Nanos(RICH)).await.unwrap();
                }
            }
            _ => put_back_idle(server).await.unwrap(),
        }
        let seen = "select format('%s %s', (select posted from wallet where fund = 'paid'),
            (select sum(held) from wallet) - (select coalesce(sum(amount), 0) from hold h
                where closed_at is null and set_aside and not call_id = any ($1)))";
        let begun: Vec<Uuid> = open.iter().map(|(id, ..)| id.0).collect();
        // What a taken hold has beyond its call's most is held until it ends.
        let surplus = "select coalesce(sum(amount), 0)::bigint from hold where call_id = any ($1)";
        let held: i64 = sqlx::query_scalar(surplus).bind(&begun).fetch_one(&market.root).await.unwrap();
        assert!(held >= oracle.held, "seed {seed}: {held} for {oracle:?}");
        let seen: String = sqlx::query_scalar(seen).bind(&begun).fetch_one(&market.root).await.unwrap();
        assert_eq!(seen, format!("{} {held}", RICH - oracle.paid), "seed {seed}");
    }
    println!("{taken_ones} of {} calls found their hold made", oracle.calls + open.len());
    assert!(taken_ones > 10, "seed {seed}: nothing was tried");
    for (id, taken, ..) in open {
        capture(&servers[0], &Capture { taken, ..used(id, 0, 0, 0) }).await.unwrap();
        oracle.calls += 1;
    }
    put_all_back(&servers[0]).await.unwrap();
    put_all_back(&servers[1]).await.unwrap();
    assert_eq!(market.available().await, RICH - oracle.paid, "seed {seed}");
    assert_eq!(one(&market, "select count(*)::text from hold").await, oracle.calls.to_string());
    assert_eq!(one(&market, "select sum(held_nanos)::text from api_key").await, "0");
    market.assert_balanced().await;
}
