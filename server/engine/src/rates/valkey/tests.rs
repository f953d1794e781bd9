//! Against a real server: together never more than the limit, all of it for one who is alone, and nobody waits for it long.

#[path = "../../../../tests/http/support/valkey.rs"]
mod program;

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;
use marketplace::rate::Owner;
use rand::RngExt;

use super::*;

/// As Free, Starter, Pro and Enterprise have them, a key with few and one with a single limit.
const LIMITS: [(Option<i64>, Option<i64>); 6] = [
    (Some(20), Some(200_000)),
    (Some(120), Some(1_000_000)),
    (Some(600), Some(4_000_000)),
    (Some(3_000), Some(40_000_000)),
    (Some(3), Some(100)),
    (None, Some(5_000)),
];

async fn server(valkey: &program::Valkey) -> Valkey {
    let server = Valkey::at(ValkeyAddress::parse(&valkey.url()).unwrap());
    server.start().await;
    assert!(server.is_up());
    server
}

fn wish(name: &str, (requests, tokens): (Option<i64>, Option<i64>), need: (i64, i64)) -> Wish {
    Wish {
        name: name.to_owned(),
        limits: Limits { owner: Owner::Plan, owner_name: "Some".to_owned(), requests, tokens },
        need: Need { requests: need.0, tokens: need.1 },
    }
}

/// A slice for one wish. Whoever is busy with something else may keep us waiting for long enough that Valkey is given up;
/// then it is asked anew.
async fn take(server: &Valkey, wish: Wish) -> Slice {
    loop {
        if let Some(slices) = server.take(std::slice::from_ref(&wish)).await {
            return slices.into_iter().next().unwrap();
        }
        server.start().await;
    }
}

/// `ledger.rate_slice` in the words of this language.
fn rule(limit: Option<i64>, taken: i64, needed: i64) -> i64 {
    match limit {
        Some(limit) if limit - taken >= needed => {
            needed.max(((limit + 49) / 50).min((limit - taken) / 16)).min(limit - taken)
        }
        _ => 0,
    }
}

/// What was handed out of each minute, added up.
#[derive(Default)]
struct Sums(BTreeMap<i64, (i64, i64)>);

impl Sums {
    fn add(&mut self, slice: &Slice) {
        let sum = self.0.entry(slice.minute).or_default();
        sum.0 += slice.requests.granted;
        sum.1 += slice.tokens.granted;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_alone_is_given_all_of_a_minute() {
    let valkey = program::Valkey::start();
    let server = server(&valkey).await;
    for (place, limits) in LIMITS.into_iter().enumerate() {
        // A minute that ends meanwhile is begun again, and so is one of which a slice went astray.
        'minutes: for attempt in 0.. {
            let name = format!("{place}:{attempt}");
            let (mut sums, mut rounds, lost) = (Sums::default(), 0, server.times_lost());
            loop {
                let slice = take(&server, wish(&name, limits, (1, 1))).await;
                sums.add(&slice);
                rounds += 1;
                if sums.0.len() > 1 || server.times_lost() != lost {
                    continue 'minutes;
                }
                if slice.requests.granted == 0 && slice.tokens.granted == 0 {
                    let all = (limits.0.unwrap_or_default(), limits.1.unwrap_or_default());
                    assert_eq!(sums.0.into_values().next(), Some(all));
                    assert_eq!((slice.requests.left, slice.tokens.left), (0, 0));
                    assert!(rounds < 1_000, "{limits:?} took {rounds} rounds");
                    break 'minutes;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_are_as_large_as_those_of_the_database() {
    let valkey = program::Valkey::start();
    let server = server(&valkey).await;
    let mut dice = rand::rng();
    for (place, limits) in LIMITS.into_iter().enumerate() {
        let (mut taken, mut minute) = ((0, 0), 0);
        for _ in 0..100 {
            let need = (dice.random_range(0..=3), dice.random_range(0..=30_000));
            let lost = server.times_lost();
            let slice = take(&server, wish(&place.to_string(), limits, need)).await;
            if slice.minute != minute || server.times_lost() != lost {
                // What went before is over or not known; here it is read back from what is left.
                minute = slice.minute;
            } else {
                let granted = (slice.requests.granted, slice.tokens.granted);
                assert_eq!(granted, (rule(limits.0, taken.0, need.0), rule(limits.1, taken.1, need.1)));
            }
            let left = |share: Share| share.limit.map_or(0, |limit| limit - share.left);
            taken = (left(slice.requests), left(slice.tokens));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_race_hands_out_more_than_a_minute_has() {
    let valkey = program::Valkey::start();
    let servers = [server(&valkey).await, server(&valkey).await, server(&valkey).await];
    let mut dice = rand::rng();
    for limits in [LIMITS[0], LIMITS[1], LIMITS[2]] {
        let needs: Vec<(i64, i64)> =
            (0..400).map(|_| (dice.random_range(0..=3), dice.random_range(0..=30_000))).collect();
        let racing = needs.iter().enumerate().map(|(turn, need)| {
            let wish = wish(&format!("{limits:?}"), limits, *need);
            take(&servers[turn % 3], wish)
        });
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
        for (minute, (requests, tokens)) in sums.0 {
            assert!(Some(requests) <= limits.0 && Some(tokens) <= limits.1, "{minute}: {requests}, {tokens}");
            assert!(requests > 0 && tokens > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_of_several_come_in_one_answer_in_their_order() {
    let valkey = program::Valkey::start();
    let server = server(&valkey).await;
    let wishes = [wish("plan", LIMITS[0], (20, 0)), wish("key", LIMITS[5], (1, 5_000))];
    let slices = loop {
        match server.take(&wishes).await {
            Some(slices) => break slices,
            None => server.start().await,
        }
    };
    assert_eq!(slices[0].requests, Share { limit: Some(20), granted: 20, left: 0 });
    assert_eq!(slices[0].tokens, Share { limit: Some(200_000), granted: 4_000, left: 196_000 });
    assert_eq!(slices[1].requests, Share { limit: None, granted: 0, left: 0 });
    assert_eq!(slices[1].tokens, Share { limit: Some(5_000), granted: 5_000, left: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_minute_begins_anew_and_a_clock_set_back_gives_none_twice() {
    let valkey = program::Valkey::start();
    let server = server(&valkey).await;
    let all = async || take(&server, wish("some", LIMITS[0], (20, 0))).await;
    let shift = |minutes: i64| valkey.says(&format!("HINCRBY some minute {minutes}"));
    let first = all().await;
    assert_eq!(first.requests, Share { limit: Some(20), granted: 20, left: 0 });
    // As if that had been the minute after this one, and the clock were back in this one.
    shift(1);
    let back = all().await;
    assert_eq!((back.requests.granted, back.requests.left), (0, 0), "{back:?}");
    shift(-2);
    assert_eq!(all().await.requests.granted, 20);
    shift(5);
    assert_eq!(all().await.requests.granted, 20, "a minute far ahead is nobody's");
    let forgotten_in: i64 = valkey.says("PTTL some").trim_start_matches(':').parse().unwrap();
    assert!((1..=180_000).contains(&forgotten_in), "{forgotten_in}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_one_that_hangs() {
    let valkey = program::Valkey::start();
    let server = server(&valkey).await;
    valkey.hang();
    let begun = Instant::now();
    // All at once, and then one after the other: only the first wait at all.
    let racing = join_all((0..50).map(|_| async {
        let wishes = [wish("some", LIMITS[0], (1, 1))];
        server.take(&wishes).await.is_none()
    }));
    assert!(racing.await.into_iter().all(|is_none| is_none));
    for _ in 0..100 {
        assert!(server.take(&[wish("some", LIMITS[0], (1, 1))]).await.is_none());
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!((server.is_up(), server.times_lost()), (false, 1));
    valkey.go_on();
    server.start().await;
    assert!(server.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_started_anew_is_found_and_told_the_script_again() {
    let mut valkey = program::Valkey::start();
    let server = server(&valkey).await;
    assert_eq!(take(&server, wish("some", LIMITS[0], (1, 1))).await.requests.granted, 1);
    valkey.kill();
    assert!(server.take(&[wish("some", LIMITS[0], (1, 1))]).await.is_none());
    assert!(server.reach().await.is_err());
    valkey.start_again();
    assert!(!server.is_up(), "not before the minute ends");
    let (_, left) = server.reach().await.unwrap();
    assert!((Duration::ZERO..=Duration::from_secs(60)).contains(&left), "{left:?}");
}

#[test]
fn an_address_that_cannot_be_used_is_refused_without_being_repeated() {
    for wrong in [
        "valkey:6379",
        "http://:hush@valkey:6379",
        "redis://:hush@valkey:6379/many",
        "redis://:hush@",
        "rediss://:hush@valkey:6379/#insecure",
        "redis://:hush@0.0.0.0:6379",
        "unix:hush",
    ] {
        let fault = ValkeyAddress::parse(wrong).unwrap_err().to_string();
        assert!(fault.starts_with("MERCATO_VALKEY_URL ") && !fault.contains("hush"), "{wrong}: {fault}");
    }
    for (right, shown) in [
        ("redis://valkey", "valkey:6379"),
        ("valkey://user:hush@valkey:7000/2", "valkey:7000"),
        ("rediss://:hush@valkey.example.org:6380", "valkey.example.org:6380"),
        (" unix:///run/valkey.sock?pass=hush ", "/run/valkey.sock"),
    ] {
        let address = ValkeyAddress::parse(right).unwrap();
        assert_eq!(
            (address.to_string(), format!("{address:?}")),
            (shown.to_owned(), format!("ValkeyAddress({shown})"))
        );
    }
}
