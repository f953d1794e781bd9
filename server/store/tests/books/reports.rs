//! Providers' reports beside the books: what they bill beyond them is the house's loss as far as it can be explained.

use chrono::{NaiveDate, Utc};
use marketplace::account::Email;
use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::operator::{Agreement, Reconciled, ReportTaken};
use marketplace::usage::UsageSource;
use sqlx::PgPool;
use store::account::update_verified;
use store::figures::get_figures;
use store::ledger::{Capture, Progress, Reservation, Reserved, capture, checkpoint, reap, release};
use store::report::{Line, Report, list_reconciled, record_report};

use crate::support::{Books, charge, used};

const GOES_ON: bool = false;
const STOPS: bool = true;

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

impl Books {
    /// A call that its caller stopped when it had come to 70 for the provider and 30 for us.
    async fn stop(&self, call: CallId) {
        let source = UsageSource::Estimated;
        let stopped = Capture { source, finish: "stopped".to_owned(), ..used(call, 70, 30, 1) };
        capture(&self.db, &stopped).await.unwrap();
    }

    /// A call whose server died at that point.
    async fn interrupt(&self, call: CallId) {
        let progress =
            [Progress { call, input: 3, output: 5, charge: charge(70, 30), most: Nanos(i64::MAX) }];
        checkpoint(&self.db, self.server, &progress).await.unwrap();
        self.tamper("update hold set lease_until = now() - interval '1 second' where state = 'open'").await;
        assert_eq!(reap(&self.db, self.server).await.unwrap(), 1);
    }

    /// The provider says that it is owed this much for today.
    async fn told(&self, stops_on_abort: bool, amount: i64) -> ReportTaken {
        let lines = [Line { day: today(), model: self.model.to_string(), amount: Nanos(amount) }];
        let report = Report { provider: &self.provider, stops_on_abort, lines: &lines };
        record_report(&self.db, &report, "test").await.unwrap()
    }

    async fn reconciled(&self) -> Reconciled {
        let mut rows = list_reconciled(&self.db, today(), today()).await.unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    async fn sum(&self, account: &str) -> i64 {
        let sum = "select coalesce(sum(amount), 0)::bigint from ledger_entry where account = $1";
        sqlx::query_scalar(sum).bind(account).fetch_one(&self.root).await.unwrap()
    }
}

fn leaks(taken: &ReportTaken) -> (i64, i64) {
    (taken.abort_leak_nanos.0, taken.crash_leak_nanos.0)
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_billed_for_a_stopped_call_beyond_what_was_delivered_is_an_abort_leak(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let call = market.hold(1_000).await;
    market.stop(call).await;
    let taken = market.told(GOES_ON, 500).await;
    assert_eq!((taken.new, leaks(&taken)), (1, (430, 0)));
    assert_eq!(market.sum("provider:openai:payable").await, 500);
    assert_eq!(market.sum("platform:abort_leak").await, -430);
    assert_eq!(market.available().await, 9_900, "the buyer pays what was delivered");
    let row = market.reconciled().await;
    assert_eq!((row.booked_nanos, row.difference_nanos), (Nanos(500), Some(Nanos(0))));
    assert_eq!((row.state, row.abort_leak_nanos), (Agreement::Agrees, Nanos(430)));
    let kind = "select count(*) from ledger_tx where kind = 'provider_report' and account_id is null";
    let posted: i64 = sqlx::query_scalar(kind).fetch_one(&market.root).await.unwrap();
    assert_eq!(posted, 1);
    assert_eq!(get_figures(&market.db).await.unwrap().abort_leak, Nanos(430));
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_repeated_report_posts_nothing_and_a_corrected_one_the_difference(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let call = market.hold(1_000).await;
    market.stop(call).await;
    for (amount, posted) in [(500, 430), (500, 0), (600, 100), (40, -530), (500, 430), (70, -430)] {
        let taken = market.told(GOES_ON, amount).await;
        assert_eq!(leaks(&taken), (posted, 0), "told of {amount}");
        assert_eq!(market.sum("provider:openai:payable").await, amount.max(70));
        market.assert_balanced().await;
    }
    let again = market.told(GOES_ON, 70).await;
    assert_eq!((again.new, again.corrected, again.unchanged), (0, 0, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_more_leaks_than_was_held_and_the_rest_stays_a_difference(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let (stopped, whole) = (market.hold(1_000).await, market.hold(1_000).await);
    market.stop(stopped).await;
    market.capture(whole, 70, 30).await;
    let taken = market.told(GOES_ON, 5_000).await;
    // Of the 1,000 held for the stopped call 700 were the provider's, of which 70 are booked.
    assert_eq!(leaks(&taken), (630, 0));
    let row = market.reconciled().await;
    assert_eq!((row.booked_nanos, row.difference_nanos), (Nanos(770), Some(Nanos(4_230))));
    assert_eq!((row.state, row.calls), (Agreement::Differs, 2));
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_crash_explains_what_aborts_cannot(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let stopped = market.hold(1_000).await;
    market.stop(stopped).await;
    let interrupted = market.hold(1_000).await;
    market.interrupt(interrupted).await;
    assert_eq!(leaks(&market.told(GOES_ON, 140).await), (0, 0), "as booked");
    assert_eq!(leaks(&market.told(GOES_ON, 740).await), (600, 0));
    assert_eq!(leaks(&market.told(GOES_ON, 900).await), (30, 130));
    assert_eq!(leaks(&market.told(GOES_ON, 9_000).await), (0, 500));
    // That this provider stops when we hang up leaves the crash alone to blame.
    assert_eq!(leaks(&market.told(STOPS, 700).await), (-630, -70));
    assert_eq!(market.sum("platform:crash_leak").await, -560);
    assert_eq!(market.sum("provider:openai:payable").await, 700);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_call_left_before_its_first_word_leaks_its_whole_hold_at_most(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let call = market.hold(1_000).await;
    release(&market.db, call, "stopped").await.unwrap();
    assert_eq!(leaks(&market.told(GOES_ON, 900).await), (700, 0));
    assert_eq!(market.available().await, 10_000);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_call_on_free_tokens_leaks_those_at_the_dearest_rate_at_most(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    update_verified(&market.db, market.account, &Email::parse("ada@example.org").unwrap()).await.unwrap();
    let wanted = Reservation { free_tokens: Some((200, 100)), ..market.reservation(500, 100) };
    let (call, reserved) = market.reserve(wanted).await;
    assert!(matches!(reserved, Reserved::Held { free_tokens: 200, .. }), "{reserved:?}");
    market.stop(call).await;
    // 200 tokens at 2 USD a million come to 400,000 nano-dollars.
    assert_eq!(leaks(&market.told(GOES_ON, 1_000_000).await), (399_930, 0));
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn imports_of_one_report_at_the_same_time_post_it_once(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let call = market.hold(1_000).await;
    market.stop(call).await;
    let racing = (0..8).map(|_| market.told(GOES_ON, 500));
    let taken = futures_util::future::join_all(racing).await;
    assert_eq!(taken.iter().map(|one| one.abort_leak_nanos.0).sum::<i64>(), 430);
    assert_eq!(taken.iter().map(|one| one.new).sum::<usize>(), 1);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn half_a_per_cent_or_a_dollar_is_a_difference_and_silence_is_missing(root: PgPool) {
    let market = Books::with(root, 3_000_000_000_000).await;
    let call = market.hold(100_000).await;
    market.capture(call, 70_000, 30_000).await;
    assert_eq!(market.reconciled().await.state, Agreement::Missing);
    for (amount, state) in [
        (70_000, Agreement::Agrees),
        (70_350, Agreement::Agrees),
        (70_360, Agreement::Differs),
        (69_650, Agreement::Agrees),
        (69_640, Agreement::Differs),
        (0, Agreement::Differs),
    ] {
        assert_eq!(leaks(&market.told(GOES_ON, amount).await), (0, 0));
        assert_eq!(market.reconciled().await.state, state, "{amount} beside 70,000");
    }
    let large = market.hold(1_500_000_000_000).await;
    market.capture(large, 1_000_000_000_000, 428_571_428_572).await;
    market.told(GOES_ON, 1_001_000_070_000).await;
    assert_eq!(market.reconciled().await.state, Agreement::Agrees, "a dollar of a thousand");
    market.told(GOES_ON, 1_001_000_070_001).await;
    assert_eq!(market.reconciled().await.state, Agreement::Differs, "more than a dollar");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_billed_for_a_model_we_do_not_know_is_a_difference(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let lines = [Line { day: today(), model: "dall-e-9".to_owned(), amount: Nanos(5) }];
    let report = Report { provider: &market.provider, stops_on_abort: GOES_ON, lines: &lines };
    assert_eq!(leaks(&record_report(&market.db, &report, "test").await.unwrap()), (0, 0));
    let row = market.reconciled().await;
    assert_eq!((row.booked_nanos, row.state, row.calls), (Nanos(0), Agreement::Differs, 0));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_report_with_a_line_that_cannot_be_is_not_taken_at_all(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let line = |model: &str, amount| Line { day: today(), model: model.to_owned(), amount: Nanos(amount) };
    let lines = [line("a/b", 5), line("c/d", -1)];
    let report = Report { provider: &market.provider, stops_on_abort: GOES_ON, lines: &lines };
    record_report(&market.db, &report, "test").await.unwrap_err();
    assert_eq!(list_reconciled(&market.db, today(), today()).await.unwrap(), []);
}
