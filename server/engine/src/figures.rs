//! What can be measured of a running server: figures of its own, and of the books it shares with others.

use std::fmt;
use std::time::Instant;

use marketplace::account::Role;
use marketplace::model::Sale;
use marketplace::money::Nanos;
use store::books::INVARIANTS;
use store::figures::{Figures, Pool, get_figures};
use tracing::warn;

use crate::breaker::State;
use crate::watch::{Happened, Watch};
use crate::{Actor, Engine, Result};

/// One figure, with a reading for each value of its label if it has one.
#[derive(Clone, Debug)]
pub struct Figure {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: FigureKind,
    pub readings: Vec<FigureReading>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// Only grows, until the server is started again.
    Counter,
    Gauge,
}

#[derive(Clone, Debug)]
pub struct FigureReading {
    pub labels: Vec<(&'static str, String)>,
    pub value: FigureValue,
}

/// Exact, so that whoever reads it may round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureValue {
    Whole(i64),
    Usd(Nanos),
    Millionths(i64),
}

impl fmt::Display for FigureValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Usd(amount) => f.write_str(&amount.decimal()),
            Self::Millionths(part) => f.write_str(&Nanos(part * 1_000).decimal()),
        }
    }
}

impl Engine {
    /// Every figure there is now. Without the database those of this server alone.
    pub async fn figures(&self, actor: &Actor) -> Result<Vec<Figure>> {
        actor.require(&[Role::Admin, Role::Auditor])?;
        let mut figures = self.own_figures();
        match get_figures(&self.0.db).await {
            Ok(books) => figures.extend(book_figures(&books)),
            Err(cause) => {
                warn!(%cause, "the books could not be measured");
                figures.push(gauge("mercato_database_up", "Whether the database answers: 1 or 0.", 0));
            }
        }
        Ok(figures)
    }

    /// How this server stands.
    fn own_figures(&self) -> Vec<Figure> {
        let watch = &self.0.watch;
        let pools = self.0.db.pools();
        let of_pools = |name, help, of: fn(&Pool) -> i64| {
            let readings = pools.iter().map(|pool| reading("pool", pool.name, FigureValue::Whole(of(pool))));
            Figure { name, help, kind: FigureKind::Gauge, readings: readings.collect() }
        };
        let catalogue = self.0.catalogue.load();
        let unpriced = whole(catalogue.count(|sale| *sale == Sale::Unpriced));
        let open = whole(catalogue.count(Sale::is_open));
        let mut figures = vec![
            gauge("mercato_uptime_seconds", "Since this server began.", watch.uptime_seconds()),
            gauge("mercato_calls_running", "Calls this server is answering.", whole(self.0.running.count())),
            gauge("mercato_models_unpriced", "Listed models not for sale for want of a price.", unpriced),
            gauge("mercato_models_for_sale", "Models that can be bought now.", open),
            of_pools("mercato_db_connections_max", "Connections to the database at most.", |pool| {
                pool.max.into()
            }),
            of_pools("mercato_db_connections", "Open connections to the database.", |pool| pool.size.into()),
            of_pools("mercato_db_connections_idle", "Of them idle.", |pool| whole(pool.idle)),
        ];
        figures.extend(event_figures(watch));
        figures.push(Figure {
            name: "mercato_provider_key_refused",
            help: "Providers that refuse the operator's key, until they answer again or get another: 1.",
            kind: FigureKind::Gauge,
            readings: self
                .0
                .refusals
                .list()
                .iter()
                .map(|of| reading("provider", of, FigureValue::Whole(1)))
                .collect(),
        });
        figures.push(self.breaker_figure());
        figures.extend(self.valkey_figures());
        figures.extend(watch.overdue().map(|overdue| Figure {
            name: "mercato_provider_reports",
            help: "Days of a provider and model in the last 30 whose report is missing or differs.",
            kind: FigureKind::Gauge,
            readings: vec![
                reading("state", "missing", FigureValue::Whole(whole(overdue.missing))),
                reading("state", "differing", FigureValue::Whole(whole(overdue.differing))),
            ],
        }));
        figures
    }

    /// Nothing where the database is all there is.
    fn valkey_figures(&self) -> Vec<Figure> {
        let Some(valkey) = self.0.rates.valkey() else { return Vec::new() };
        let lost = FigureValue::Whole(valkey.times_lost());
        vec![
            gauge(
                "mercato_valkey_up",
                "Whether limits a minute are counted in Valkey: 1, or 0 while the database counts.",
                valkey.is_up().into(),
            ),
            Figure {
                name: "mercato_valkey_lost_total",
                help: "How often Valkey did not answer, and the database counted from then on.",
                kind: FigureKind::Counter,
                readings: vec![plain(lost)],
            },
        ]
    }

    fn breaker_figure(&self) -> Figure {
        let states = self.0.breakers.states(Instant::now()).into_iter();
        let readings = states.map(|(provider, model, state)| FigureReading {
            labels: vec![("provider", provider.0), ("model", model.to_string())],
            value: FigureValue::Whole(match state {
                State::Closed => 0,
                State::HalfOpen => 1,
                State::Open => 2,
            }),
        });
        Figure {
            name: "mercato_breaker_state",
            help: "Of each provider and model asked of late: 0 is well, 1 being tried again, 2 passed over.",
            kind: FigureKind::Gauge,
            readings: readings.collect(),
        }
    }
}

/// What happened on this server since it began.
fn event_figures(watch: &Watch) -> Vec<Figure> {
    let count = |what| FigureValue::Whole(watch.count(what));
    let counter = |name, help, readings| Figure { name, help, kind: FigureKind::Counter, readings };
    let failures = watch.provider_failures();
    let failures = failures.iter().map(|(of, times)| reading("provider", of, FigureValue::Whole(*times)));
    vec![
        counter(
            "mercato_payment_required_total",
            "Calls refused with 402: balance or limit did not cover them.",
            vec![plain(count(Happened::RefusedForMoney))],
        ),
        counter(
            "mercato_rate_limited_total",
            "Requests refused with 429 by a limit a minute of a plan, a key or an address.",
            watch.limited().into_iter().map(limited).collect(),
        ),
        counter(
            "mercato_provider_failures_total",
            "Answers that a provider refused, broke off or garbled.",
            failures.collect(),
        ),
        counter(
            "mercato_failovers_total",
            "Calls handed to a second provider after the first had failed.",
            vec![plain(count(Happened::FailedOver))],
        ),
        counter(
            "mercato_captures_retried_total",
            "Attempts to write a capture that failed and were made again.",
            vec![plain(count(Happened::CaptureRetried))],
        ),
        counter(
            "mercato_holds_reaped_total",
            "Holds this server closed because theirs was gone.",
            vec![plain(count(Happened::HoldReaped))],
        ),
        counter(
            "mercato_webhook_failures_total",
            "Payment events that were refused, or could not be delivered by the test gateway.",
            vec![
                reading("what", "refused", count(Happened::WebhookRefused)),
                reading("what", "undelivered", count(Happened::WebhookUndelivered)),
            ],
        ),
        counter(
            "mercato_auth_failures_total",
            "Passwords, API keys and session tokens that were not accepted; ended sessions count too.",
            vec![
                reading("what", "password", count(Happened::PasswordRefused)),
                reading("what", "key", count(Happened::KeyRefused)),
                reading("what", "session", count(Happened::SessionRefused)),
            ],
        ),
    ]
}

fn book_figures(books: &Figures) -> Vec<Figure> {
    let broken = books.stopped || !books.broken_recent.is_empty();
    let usd = |name, help, amount| Figure {
        name,
        help,
        kind: FigureKind::Gauge,
        readings: vec![plain(FigureValue::Usd(amount))],
    };
    let mut figures = vec![
        gauge("mercato_database_up", "Whether the database answers: 1 or 0.", 1),
        gauge(
            "mercato_books_broken",
            "Whether the books do not add up, and paid calls are stopped: 1 or 0.",
            broken.into(),
        ),
        violations(books),
        gauge("mercato_holds_open", "Holds of calls that have not ended.", books.open_holds),
        gauge(
            "mercato_hold_oldest_age_seconds",
            "Since the oldest open hold was made.",
            books.oldest_hold_age,
        ),
        usd(
            "mercato_overrun_usd",
            "What providers reported beyond holds, paid by the house, in all.",
            books.overrun,
        ),
        usd(
            "mercato_abort_leak_usd",
            "What providers billed for stopped calls beyond what was delivered, in all.",
            books.abort_leak,
        ),
        usd(
            "mercato_crash_leak_usd",
            "What providers billed for calls whose server died, beyond what was booked, in all.",
            books.crash_leak,
        ),
        usd("mercato_revenue_last_hour_usd", "Charged to buyers in the last hour.", books.charged),
        Figure {
            name: "mercato_revenue_estimated_ratio",
            help: "The part of the last hour's revenue whose tokens we counted ourselves, from 0 to 1.",
            kind: FigureKind::Gauge,
            readings: vec![plain(FigureValue::Millionths(share(books.charged_by_estimate, books.charged)))],
        },
        gauge("mercato_prices_waiting", "Changes of a price that wait to be approved.", books.prices_waiting),
    ];
    // What has not happened yet has no age.
    for (name, help, age) in [
        (
            "mercato_books_check_age_seconds",
            "Since the running check of the books ended.",
            books.recent_check_age,
        ),
        (
            "mercato_books_whole_check_age_seconds",
            "Since the last check of the whole history ended.",
            books.whole_check_age,
        ),
        ("mercato_books_seal_age_seconds", "Since the last block of the books was sealed.", books.seal_age),
    ] {
        figures.extend(age.map(|age| gauge(name, help, age)));
    }
    figures
}

/// What the last checks found of each invariant. The running check looks at some of them; the whole one at all.
fn violations(books: &Figures) -> Figure {
    let found = |broken: &[String], invariant: &str| {
        whole(broken.iter().filter(|line| line.split(' ').next() == Some(invariant)).count())
    };
    let checks = [("recent", &books.broken_recent), ("whole", &books.broken_whole)];
    let readings = checks.into_iter().flat_map(|(check, broken)| {
        INVARIANTS.into_iter().chain(["seal"]).map(move |invariant| FigureReading {
            labels: vec![("check", check.to_owned()), ("invariant", invariant.to_owned())],
            value: FigureValue::Whole(found(broken, invariant)),
        })
    });
    Figure {
        name: "mercato_books_violations",
        help: "Places where the last check found an invariant broken, at most 20 of each in a whole check.",
        kind: FigureKind::Gauge,
        readings: readings.collect(),
    }
}

/// In millionths.
fn share(part: Nanos, of: Nanos) -> i64 {
    if of.0 <= 0 {
        return 0;
    }
    i64::try_from(i128::from(part.0) * 1_000_000 / i128::from(of.0)).unwrap_or(0)
}

fn gauge(name: &'static str, help: &'static str, value: i64) -> Figure {
    Figure { name, help, kind: FigureKind::Gauge, readings: vec![plain(FigureValue::Whole(value))] }
}

fn plain(value: FigureValue) -> FigureReading {
    FigureReading { labels: Vec::new(), value }
}

fn reading(label: &'static str, of: &str, value: FigureValue) -> FigureReading {
    FigureReading { labels: vec![(label, of.to_owned())], value }
}

fn limited(([owner, unit], times): ([&'static str; 2], i64)) -> FigureReading {
    let labels = vec![("limit", owner.to_owned()), ("unit", unit.to_owned())];
    FigureReading { labels, value: FigureValue::Whole(times) }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact() {
        assert_eq!(FigureValue::Usd(Nanos(1_500_000_001)).to_string(), "1.500000001");
        assert_eq!(FigureValue::Millionths(share(Nanos(1), Nanos(3))).to_string(), "0.333333");
        assert_eq!(FigureValue::Millionths(share(Nanos(5), Nanos(0))).to_string(), "0");
        assert_eq!(FigureValue::Millionths(share(Nanos(7), Nanos(7))).to_string(), "1");
    }

    #[test]
    fn violations_are_told_by_invariant_and_check() {
        let broken = ["I1 USD: 5".to_owned(), "I11 a: b".to_owned(), "I11 c: d".to_owned()];
        let books = Figures { broken_whole: broken.to_vec(), ..Figures::default() };
        let readings = violations(&books).readings;
        let found = |check: &str, invariant: &str| {
            let labels = vec![("check", check.to_owned()), ("invariant", invariant.to_owned())];
            readings.iter().find(|reading| reading.labels == labels).unwrap().value
        };
        assert_eq!(found("whole", "I1"), FigureValue::Whole(1));
        assert_eq!(found("whole", "I11"), FigureValue::Whole(2));
        assert_eq!(found("recent", "I11"), FigureValue::Whole(0));
    }
}
