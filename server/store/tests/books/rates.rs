//! Slices of a minute: together never more than the limit, and all of it for one who is alone.

use futures_util::future::join_all;
use marketplace::id::AccountId;
use marketplace::rate::Owner;
use rand::RngExt;
use sqlx::PgPool;
use store::Db;
use store::rate::{Need, Share, Slice, forget, take_slices};

use crate::support::{Books, dice, sized};

async fn take(db: &Db, account: AccountId, requests: i64, tokens: i64) -> Slice {
    let needs = (Need { requests, tokens }, Need::default());
    let slices = take_slices(db, account, None, 1, needs).await.unwrap();
    assert_eq!((slices.len(), slices[0].owner), (1, Owner::Plan));
    slices.into_iter().next().unwrap()
}

/// What was handed out of each minute, added up.
#[derive(Default)]
struct Sums(std::collections::BTreeMap<i64, (i64, i64)>);

impl Sums {
    fn add(&mut self, slice: &Slice) {
        let sum = self.0.entry(slice.minute).or_default();
        sum.0 += slice.requests.granted;
        sum.1 += slice.tokens.granted;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_server_alone_is_given_all_of_a_minute(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    for plan in ["free", "starter", "pro", "enterprise"] {
        sqlx::query("update account set plan = $1").bind(plan).execute(&market.root).await.unwrap();
        // A minute that ends meanwhile is begun again.
        'minutes: loop {
            sqlx::query("delete from sign_in.rate_window").execute(&market.root).await.unwrap();
            let (mut sums, mut rounds) = (Sums::default(), 0);
            loop {
                let slice = take(&market.db, market.account, 1, 1).await;
                sums.add(&slice);
                rounds += 1;
                if sums.0.len() > 1 {
                    continue 'minutes;
                }
                if slice.requests.granted == 0 && slice.tokens.granted == 0 {
                    let (limit, most) = (slice.requests.limit.unwrap(), slice.tokens.limit.unwrap());
                    assert_eq!(sums.0.into_values().next(), Some((limit, most)), "{plan}");
                    assert_eq!((slice.requests.left, slice.tokens.left), (0, 0));
                    assert!(rounds < 1_000, "{plan} took {rounds} rounds");
                    break 'minutes;
                }
            }
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_race_hands_out_more_than_a_minute_has(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let mut dice = dice("no_race_hands_out_more_than_a_minute_has");
    for round in 0..sized(3, 20) {
        let plan = ["free", "starter", "pro"][round % 3];
        sqlx::query("update account set plan = $1").bind(plan).execute(&market.root).await.unwrap();
        sqlx::query("delete from sign_in.rate_window").execute(&market.root).await.unwrap();
        let needs: Vec<(i64, i64)> =
            (0..400).map(|_| (dice.random_range(0..=3), dice.random_range(0..=30_000))).collect();
        let racing =
            needs.iter().map(|(requests, tokens)| take(&market.db, market.account, *requests, *tokens));
        let slices = join_all(racing).await;
        let mut sums = Sums::default();
        for (slice, (requests, tokens)) in slices.iter().zip(&needs) {
            sums.add(slice);
            let whole_or_none = |share: Share, needed: i64| share.granted == 0 || share.granted >= needed;
            assert!(
                whole_or_none(slice.requests, *requests) && whole_or_none(slice.tokens, *tokens),
                "{slice:?}"
            );
            assert!((0..=60_000).contains(&slice.millis_left), "{slice:?}");
        }
        let (limit, most) = (slices[0].requests.limit.unwrap(), slices[0].tokens.limit.unwrap());
        for (minute, (requests, tokens)) in sums.0 {
            assert!(
                requests <= limit && tokens <= most,
                "{minute}: {requests} of {limit}, {tokens} of {most}"
            );
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_minute_begins_anew_and_a_clock_set_back_gives_none_twice(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let first = take(&market.db, market.account, 20, 0).await;
    assert_eq!(first.requests, Share { limit: Some(20), granted: 20, left: 0 });
    // As if that had been the minute after this one, and the clock were back in this one.
    let shift = |minutes: i64| {
        sqlx::query("update sign_in.rate_window set minute = minute + make_interval(mins => $1::int)")
            .bind(minutes)
            .execute(&market.root)
    };
    shift(1).await.unwrap();
    let back = take(&market.db, market.account, 1, 0).await;
    assert_eq!((back.requests.granted, back.requests.left), (0, 0), "{back:?}");
    shift(-2).await.unwrap();
    assert_eq!(take(&market.db, market.account, 20, 0).await.requests.granted, 20);
    shift(-11).await.unwrap();
    assert_eq!(forget(&market.db).await.unwrap(), 1);
}
