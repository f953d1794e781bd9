//! How well offers answer, by the minute: added up by every server, and read over any span.

use chrono::{DateTime, Utc};
use marketplace::health::{Histogram, Tally};
use marketplace::id::{ModelId, ProviderId};

use crate::{Db, Error, Result};

/// What one server has seen of an offer in one minute.
#[derive(Debug)]
pub struct OfferMinute {
    pub model: ModelId,
    pub provider: ProviderId,
    pub minute: DateTime<Utc>,
    pub tally: Tally,
}

/// An offer over a span, with the slices in which it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferSpan {
    pub model: ModelId,
    pub provider: ProviderId,
    pub tally: Tally,
    pub slices: Vec<SliceSum>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceSum {
    /// Which slice, counted from zero.
    pub place: i32,
    pub attempts: u64,
    pub failures: u64,
}

/// What became of old minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    pub folded: i64,
    pub forgotten: i64,
}

/// Adds minutes to those that other servers have written, all or none.
pub async fn note_offer_minutes(db: &Db, minutes: &[OfferMinute]) -> Result<()> {
    let models: Vec<String> = minutes.iter().map(|one| one.model.to_string()).collect();
    let providers: Vec<String> = minutes.iter().map(|one| one.provider.to_string()).collect();
    let at: Vec<DateTime<Utc>> = minutes.iter().map(|one| one.minute).collect();
    let sums =
        |of: fn(&Tally) -> u64| minutes.iter().map(|one| of(&one.tally).cast_signed()).collect::<Vec<_>>();
    let counts =
        |of: fn(&Tally) -> &Histogram| minutes.iter().map(|one| list(of(&one.tally))).collect::<Vec<_>>();
    // In one order, so that two servers wait for each other instead of blocking each other.
    sqlx::query!(
        r#"select ledger.note_offer_minute(model_id, provider, minute, attempts::integer, failures::integer,
            first_token_micros, written_tokens, written_micros, first_token_counts::integer[], speed_counts::integer[])
        from (
            select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::text[], $10::text[]) as m (model_id, provider, minute, attempts, failures,
                first_token_micros, written_tokens, written_micros, first_token_counts, speed_counts)
            order by model_id, provider, minute
        ) as minute"#,
        &models,
        &providers,
        &at,
        &sums(|tally| tally.attempts),
        &sums(|tally| tally.failures),
        &sums(|tally| tally.first_token_micros),
        &sums(|tally| tally.written_tokens),
        &sums(|tally| tally.written_micros),
        &counts(|tally| &tally.first_token),
        &counts(|tally| &tally.speed),
    )
    .execute(db.people())
    .await?;
    Ok(())
}

/// Every offer that was asked since then, with what it did in each slice of so many minutes.
pub async fn list_offers(db: &Db, since: DateTime<Utc>, slice_minutes: i32) -> Result<Vec<OfferSpan>> {
    let rows = sqlx::query_as!(
        OfferRow,
        r#"
        with recent as (
            select *, floor(extract(epoch from minute - $1) / ($2::integer * 60))::integer as place
            from offer_minute where minute >= $1
        ), slice as (
            select model_id, provider, place, sum(attempts) as attempts, sum(failures) as failures,
                sum(first_token_micros)::bigint as first_token_micros, sum(written_tokens)::bigint as written_tokens,
                sum(written_micros)::bigint as written_micros
            from recent group by model_id, provider, place
        ), offer as (
            select model_id, provider, array_agg(place order by place) as places,
                array_agg(attempts order by place) as attempts, array_agg(failures order by place) as failures,
                sum(first_token_micros)::bigint as first_token_micros, sum(written_tokens)::bigint as written_tokens,
                sum(written_micros)::bigint as written_micros
            from slice group by model_id, provider
        ), bucket as (
            select model_id, provider, c.bucket, sum(c.first_token) as first_token, sum(c.speed) as speed
            from recent, unnest(first_token_counts, speed_counts) with ordinality as c (first_token, speed, bucket)
            group by model_id, provider, c.bucket
        ), histogram as (
            select model_id, provider, array_agg(first_token order by bucket) as first_token_counts,
                array_agg(speed order by bucket) as speed_counts
            from bucket group by model_id, provider
        )
        select model_id as "model_id!", provider as "provider!", places as "places!", attempts as "attempts!",
            failures as "failures!", first_token_micros as "first_token_micros!", written_tokens as "written_tokens!",
            written_micros as "written_micros!", first_token_counts as "first_token_counts!",
            speed_counts as "speed_counts!"
        from offer join histogram using (model_id, provider) order by provider, model_id
        "#,
        since,
        slice_minutes,
    )
    .fetch_all(db.people())
    .await?;
    rows.into_iter().map(OfferRow::read).collect()
}

/// Adds minutes of two days ago to their hours and forgets hours of ninety days ago.
pub async fn fold_offer_minutes(db: &Db) -> Result<Folded> {
    let row = sqlx::query_as!(
        Folded,
        r#"select folded as "folded!", forgotten as "forgotten!" from ledger.fold_offer_minutes()"#
    );
    Ok(row.fetch_one(db.people()).await?)
}

struct OfferRow {
    model_id: String,
    provider: String,
    places: Vec<i32>,
    attempts: Vec<i64>,
    failures: Vec<i64>,
    first_token_micros: i64,
    written_tokens: i64,
    written_micros: i64,
    first_token_counts: Vec<i64>,
    speed_counts: Vec<i64>,
}

impl OfferRow {
    fn read(self) -> Result<OfferSpan> {
        let sums = self.places.iter().zip(self.attempts.iter().zip(&self.failures));
        let slices: Vec<SliceSum> = sums
            .map(|(place, (attempts, failures))| SliceSum {
                place: *place,
                attempts: attempts.unsigned_abs(),
                failures: failures.unsigned_abs(),
            })
            .collect();
        let histogram =
            |counts: &[i64]| Histogram::from_counts(counts).ok_or(Error::Unreadable("offer_minute counts"));
        let tally = Tally {
            attempts: slices.iter().map(|slice| slice.attempts).sum(),
            failures: slices.iter().map(|slice| slice.failures).sum(),
            first_token: histogram(&self.first_token_counts)?,
            first_token_micros: self.first_token_micros.unsigned_abs(),
            speed: histogram(&self.speed_counts)?,
            written_tokens: self.written_tokens.unsigned_abs(),
            written_micros: self.written_micros.unsigned_abs(),
        };
        let model = ModelId::parse(&self.model_id).map_err(|_| Error::Unreadable("offer_minute.model_id"))?;
        Ok(OfferSpan { model, provider: ProviderId(self.provider), tally, slices })
    }
}

/// As the database reads a list of numbers.
fn list(histogram: &Histogram) -> String {
    let counts: Vec<String> = histogram.counts().iter().map(u64::to_string).collect();
    format!("{{{}}}", counts.join(","))
}
