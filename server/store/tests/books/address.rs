//! Addresses shown to reach somebody, what that is worth to whom, and what a plan allows.

use chrono::TimeDelta;
use futures_util::future::join_all;
use marketplace::account::Email;
use marketplace::allowance::FreeCall;
use marketplace::id::{AccountId, CallId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Price, Rates};
use marketplace::quote::PromptSize;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sqlx::PgPool;
use store::account::{find_credentials, update_name, update_verified};
use store::api_key::{Hand, Secret, insert_key, list_keys, update_revoked};
use store::ledger::{Reservation, Reserved, capture, get_balance};
use store::one_time_secret::{Issued, Purpose, confirm_address, find_address, insert_secret, reset_password};
use store::plan::{list_plans, subscribe};
use store::session::{find_live_user, insert_session};
use store::{Db, Error};
use uuid::Uuid;

use crate::support::{Books, pay_in, person, used, without_limits};

/// Stands for the SHA-256 of a secret.
fn digest(of: u8) -> [u8; 32] {
    [of; 32]
}

async fn issue(db: &Db, account: AccountId, purpose: Purpose, of: u8) -> Issued {
    insert_secret(db, account, purpose, &digest(of), TimeDelta::minutes(30)).await.unwrap()
}

async fn is_verified(db: &Db, email: &str) -> bool {
    let known = find_credentials(db, &Email::parse(email).unwrap()).await.unwrap();
    known.unwrap().user.email_verified
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_secret_confirms_its_address_once_whoever_races_for_it(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    assert_eq!(issue(&market.db, market.account, Purpose::ConfirmAddress, 1).await, Issued::Kept);
    assert_eq!(confirm_address(&market.db, &digest(2)).await.unwrap(), None);
    assert_eq!(reset_password(&market.db, &digest(1), "-").await.unwrap(), None, "it was for something else");
    assert!(!is_verified(&market.db, "ada@example.org").await);
    let racing = join_all((0..16).map(|_| async { confirm_address(&market.db, &digest(1)).await.unwrap() }));
    assert_eq!(racing.await.into_iter().flatten().collect::<Vec<_>>(), [market.account]);
    assert!(is_verified(&market.db, "ada@example.org").await);
    assert_eq!(find_address(&market.db, Purpose::ConfirmAddress, &digest(1)).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_secret_that_is_too_old_or_was_sent_elsewhere_is_worth_nothing(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    issue(&market.db, market.account, Purpose::ConfirmAddress, 1).await;
    market.tamper("update account set email = 'eve@example.org'").await;
    assert_eq!(confirm_address(&market.db, &digest(1)).await.unwrap(), None);
    market
        .tamper("update account set email = 'ada@example.org'; update one_time_secret set expires_at = now()")
        .await;
    assert_eq!(confirm_address(&market.db, &digest(1)).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn letters_are_sent_once_a_minute_and_five_times_a_day(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let ask = |of| issue(&market.db, market.account, Purpose::ConfirmAddress, of);
    let racing = join_all((1..9).map(ask)).await;
    assert_eq!(racing.iter().filter(|issued| **issued == Issued::Kept).count(), 1);
    assert!(racing.iter().all(|issued| matches!(issued, Issued::Kept | Issued::Wait { seconds: 1..=60 })));
    for of in 11..15 {
        market.tamper("update one_time_secret set created_at = created_at - interval '1 minute'").await;
        assert_eq!(ask(of).await, Issued::Kept);
    }
    market.tamper("update one_time_secret set created_at = created_at - interval '1 minute'").await;
    let Issued::Wait { seconds } = ask(15).await else { panic!("a sixth letter in a day") };
    assert!(seconds > 23 * 3_600, "{seconds}");
    assert_eq!(issue(&market.db, market.account, Purpose::ResetPassword, 16).await, Issued::Kept);
    market.tamper("update one_time_secret set created_at = created_at - interval '1 day'").await;
    assert_eq!(ask(17).await, Issued::Kept);
    market.tamper("update account set suspended_at = now()").await;
    assert_eq!(ask(18).await, Issued::Gone);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_password_ends_every_session_and_every_other_letter(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let session =
        insert_session(&market.db, market.account, chrono::Utc::now() + TimeDelta::hours(1)).await.unwrap();
    issue(&market.db, market.account, Purpose::ResetPassword, 1).await;
    market.tamper("update one_time_secret set created_at = created_at - interval '2 minutes'").await;
    issue(&market.db, market.account, Purpose::ResetPassword, 2).await;
    let address = find_address(&market.db, Purpose::ResetPassword, &digest(1)).await.unwrap();
    assert_eq!(address.unwrap().as_str(), "ada@example.org");
    assert_eq!(reset_password(&market.db, &digest(1), "new").await.unwrap(), Some(market.account));
    for worthless in [1, 2] {
        assert_eq!(reset_password(&market.db, &digest(worthless), "newer").await.unwrap(), None);
    }
    let known =
        find_credentials(&market.db, &Email::parse("ada@example.org").unwrap()).await.unwrap().unwrap();
    assert_eq!((known.password_hash.as_str(), known.user.email_verified), ("new", true));
    assert!(find_live_user(&market.db, session).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn page_and_database_agree_on_who_an_address_belongs_to(root: PgPool) {
    let name = "[a-zA-Z0-9.+_é-]{1,12}";
    let host = "(gmail\\.com|googlemail\\.com|GMail\\.com|[a-z.]{1,8}\\.org|éß\\.example|gmail\\.com\\.org)";
    let (mut runner, address) = (TestRunner::deterministic(), format!("{name}@{host}"));
    let drawn = proptest::string::string_regex(&address).unwrap();
    let addresses: Vec<Email> = (0..2_000)
        .filter_map(|_| Email::parse(&drawn.new_tree(&mut runner).unwrap().current()).ok())
        .collect();
    assert!(addresses.len() > 1_000, "too few of the addresses drawn are addresses");
    let texts: Vec<&str> = addresses.iter().map(Email::as_str).collect();
    let theirs: Vec<String> = sqlx::query_scalar(
        "select sign_in.identity(email) from unnest($1::text[]) with ordinality as a (email, at) order by at",
    )
    .bind(&texts)
    .fetch_all(&root)
    .await
    .unwrap();
    let ours: Vec<String> = addresses.iter().map(Email::identity).collect();
    assert_eq!(ours, theirs);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_month_of_free_tokens_is_given_once_to_whoever_has_many_accounts(root: PgPool) {
    let market = Books::with(root, 1_000_000).await;
    let spellings =
        ["a.d.a@gmail.com", "ada@gmail.com", "ada+1@gmail.com", "ada+2@googlemail.com", "a.da@gmail.com"];
    let mut accounts = Vec::new();
    for email in spellings {
        let account = person(&market.db, email).await;
        pay_in(&market.db, account, 1_000_000).await;
        update_verified(&market.db, account, &Email::parse(email).unwrap()).await.unwrap();
        assert_eq!(get_balance(&market.db, account).await.unwrap().free_tokens_left, 1_000);
        accounts.push(account);
    }
    let racing = accounts.iter().cycle().take(50).map(|account| {
        market.reserve(Reservation {
            account: *account,
            free_tokens: Some((200, 100)),
            ..market.reservation(500, 100)
        })
    });
    let held = join_all(racing).await;
    let tokens = |reserved: &Reserved| match reserved {
        Reserved::Held { free_tokens, .. } => *free_tokens,
        refused => panic!("{refused:?}"),
    };
    assert_eq!(held.iter().map(|(_, reserved)| tokens(reserved)).sum::<u64>(), 1_000);
    let given: i64 = sqlx::query_scalar("select count(*) from grant_ where fund = 'free'")
        .fetch_one(&market.root)
        .await
        .unwrap();
    assert_eq!(given, 1, "one person was given a month more than once");
    let calls: Vec<CallId> = held.iter().map(|(call, _)| *call).collect();
    for call in calls {
        capture(&market.db, &used(call, 70, 30, 100)).await.unwrap();
    }
    let mut left = 0;
    for account in accounts {
        left += get_balance(&market.db, account).await.unwrap().free_tokens_left;
    }
    assert_eq!(left, 500);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_page_says_of_free_tokens_is_what_is_set_aside(root: PgPool) {
    let market = Books::with(root, 1_000_000).await;
    update_verified(&market.db, market.account, &Email::parse("ada@example.org").unwrap()).await.unwrap();
    let rates = Rates { output: Rate(2_000_000_000), ..Rates::default() };
    let price = Price { rates, ..Price::default() };
    let mut seen = [0, 0];
    for (bytes, wanted) in [(10, 200), (300, 16), (20, 5_000), (400, 100), (1_000, 1), (0, 1), (2_000, 500)] {
        let prompt = PromptSize::empty().with_message(bytes);
        let call = FreeCall::new(&price, prompt, wanted).unwrap();
        let left = get_balance(&market.db, market.account).await.unwrap().free_tokens_left;
        let free_tokens = Some((call.most(), call.least()));
        let (id, reserved) =
            market.reserve(Reservation { free_tokens, ..market.reservation(500, 100) }).await;
        let Reserved::Held { free_tokens, .. } = reserved else { panic!("{reserved:?}") };
        assert_eq!(free_tokens, call.held(left.unsigned_abs()).unwrap_or_default(), "{left} left");
        seen[usize::from(free_tokens > 0)] += 1;
        capture(&market.db, &used(id, 70, 30, 60)).await.unwrap();
    }
    assert!(seen.iter().all(|count| *count > 1), "{seen:?}");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn promotional_money_is_told_apart(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (id, at) = (Uuid::now_v7(), chrono::Utc::now() + TimeDelta::days(1));
    store::correction::give_promo(&market.db, id, market.account, Nanos(300), at, ("welcome", "test"))
        .await
        .unwrap();
    let balance = get_balance(&market.db, market.account).await.unwrap();
    assert_eq!((balance.available_nanos, balance.promo_nanos), (Nanos(1_300), Nanos(300)));
    let grants = store::correction::list_grants(&market.db, market.account).await.unwrap();
    assert_eq!((grants.len(), grants[0].reason.as_str()), (1, "welcome"));
}

async fn make_key(db: &Db, account: AccountId) -> Result<marketplace::id::KeyId, Error> {
    let digest = Uuid::now_v7().into_bytes();
    let secret = Secret { prefix: "mk", digest: &digest };
    insert_key(db, account, secret, &without_limits("key")).await.map(|key| key.id)
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_race_makes_more_keys_than_the_plan_allows(root: PgPool) {
    let market = Books::with(root, 10_000_000_000).await;
    let racing = join_all((0..12).map(|_| make_key(&market.db, market.account))).await;
    let refused = racing.iter().filter(|made| matches!(made, Err(Error::TooManyKeys))).count();
    assert_eq!((racing.iter().flatten().count(), refused), (3, 9));
    let first = list_keys(&market.db, market.account).await.unwrap()[0].id;
    update_revoked(&market.db, market.account, first, Hand::Person).await.unwrap();
    make_key(&market.db, market.account).await.unwrap();
    assert!(make_key(&market.db, market.account).await.is_err());
    subscribe(&market.db, market.account, "starter").await.unwrap();
    let starter =
        list_plans(&market.db).await.unwrap().into_iter().find(|plan| plan.id == "starter").unwrap();
    for _ in 3..starter.keys_max {
        make_key(&market.db, market.account).await.unwrap();
    }
    assert!(matches!(make_key(&market.db, market.account).await, Err(Error::TooManyKeys)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_name_is_changed_by_its_owner(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let bob = person(&market.db, "bob@example.org").await;
    update_name(&market.db, market.account, Some("Ada")).await.unwrap();
    let name_of = async |email: &str| {
        let known = find_credentials(&market.db, &Email::parse(email).unwrap()).await.unwrap();
        known.unwrap().user.name
    };
    assert_eq!(
        (name_of("ada@example.org").await.as_deref(), name_of("bob@example.org").await),
        (Some("Ada"), None)
    );
    update_name(&market.db, bob, None).await.unwrap();
}
