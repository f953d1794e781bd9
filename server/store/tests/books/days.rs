//! Days that are over are added up once, and nobody who reads them sees a difference.

use chrono::{DateTime, Days, TimeDelta, Utc};
use rand::RngExt;
use sqlx::PgPool;
use store::overview::get_overview;
use store::spending::{Spent, add_up_day, list_spent};

use crate::support::{Books, dice, pay_in, person};

/// Whatever an account spent in the last weeks.
async fn spent(books: &Books) -> Vec<Spent> {
    let tomorrow = Utc::now().date_naive() + Days::new(1);
    list_spent(&books.db, books.account, tomorrow - Days::new(60), tomorrow).await.unwrap()
}

/// Moves what was booked to other times, as only a superuser can, and forgets that days were added up.
async fn scatter(books: &Books, at: impl Fn() -> DateTime<Utc>) {
    let mut root = books.root.acquire().await.unwrap();
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut *root).await.unwrap();
    let calls: Vec<uuid::Uuid> = sqlx::query_scalar("select call_id from usage_call order by call_id")
        .fetch_all(&mut *root)
        .await
        .unwrap();
    for call in calls {
        let settle = "update usage_call set settled_at = $2 where call_id = $1";
        sqlx::query(settle).bind(call).bind(at()).execute(&mut *root).await.unwrap();
    }
    let begin = "update usage_day_state set until = now() at time zone 'utc' - interval '40 days'";
    sqlx::raw_sql(begin).execute(&mut *root).await.unwrap();
    sqlx::raw_sql("set session_replication_role = origin").execute(&mut *root).await.unwrap();
}

async fn add_up_all(books: &Books) -> usize {
    let mut days = 0;
    while add_up_day(&books.db).await.unwrap().is_some() {
        days += 1;
    }
    days
}

#[sqlx::test(migrations = "../../migrations")]
async fn days_added_up_are_what_their_calls_come_to(root: PgPool) {
    let books = Books::with(root, 1_000_000_000).await;
    let other = person(&books.db, "grace@example.org").await;
    pay_in(&books.db, other, 1_000_000).await;
    let dice = std::cell::RefCell::new(dice("days"));
    for _ in 0..60 {
        let call = books.hold(1_000).await;
        let cost = dice.borrow_mut().random_range(0..700);
        books.capture(call, cost, (cost * 3).div_euclid(7) + i64::from(cost * 3 % 7 > 0)).await;
    }
    let now = Utc::now();
    scatter(&books, || now - TimeDelta::minutes(dice.borrow_mut().random_range(0..30 * 24 * 60))).await;
    let (before, overview) = (spent(&books).await, get_overview(&books.db).await.unwrap());
    assert_eq!(before.iter().map(|day| day.calls).sum::<u64>(), 60);
    assert!(before.len() > 10, "{before:?}");
    let days = add_up_all(&books).await;
    // Within the first hour of a day even yesterday has to wait.
    assert!([39, 40].contains(&days), "{days} days");
    let rows: i64 =
        sqlx::query_scalar("select count(*) from usage_day").fetch_one(&books.root).await.unwrap();
    assert!(usize::try_from(rows).unwrap() + 2 >= before.len(), "{rows} rows for {}", before.len());
    assert_eq!(spent(&books).await, before);
    let after = get_overview(&books.db).await.unwrap();
    assert_eq!((after.spans, after.top_models), (overview.spans, overview.top_models));
    assert_eq!(books.violations().await, []);
    let forge = "update usage_day set charge = charge + 7, provider_cost = provider_cost + 7
        where day = (select min(day) from usage_day)";
    books.tamper(forge).await;
    let found = books.violations().await;
    assert_eq!(found.len(), 1, "{found:?}");
    books.tamper("delete from usage_day where day = (select min(day) from usage_day)").await;
    assert_eq!(books.violations().await.len(), 1, "a day that is gone");
}

#[sqlx::test(migrations = "../../migrations")]
async fn servers_that_add_up_at_once_add_up_once(root: PgPool) {
    let books = Books::with(root, 1_000_000_000).await;
    for _ in 0..20 {
        let call = books.hold(1_000).await;
        books.capture(call, 700, 300).await;
    }
    let turn = std::sync::atomic::AtomicI64::new(0);
    let now = Utc::now();
    let at = || now - TimeDelta::days(2 + turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    scatter(&books, at).await;
    let before = spent(&books).await;
    let all: Vec<usize> = futures_util::future::join_all((0..6).map(|_| add_up_all(&books))).await;
    assert!(all.iter().sum::<usize>() <= 40, "{all:?}");
    add_up_all(&books).await;
    assert_eq!(spent(&books).await, before);
    assert_eq!(books.violations().await, []);
}
