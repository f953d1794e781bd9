//! Reading `catalogue.toml`: one stanza a model, prices as decimal text.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use marketplace::fault::Fault;
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Benchmark, Kind, LaterPrice, Model, Offer, OtherPrice, Status};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{LongContext, OffPeak, Price, Rates, Window};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    model: Vec<Stanza>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stanza {
    id: ModelId,
    name: String,
    publisher: String,
    provider: String,
    upstream: String,
    protocol: String,
    kind: Kind,
    status: Status,
    #[serde(default)]
    aliases: Vec<String>,
    replacement: Option<ModelId>,
    released: Option<String>,
    knowledge_cutoff: Option<String>,
    retires: Option<NaiveDate>,
    context_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    embedding_dimensions: Option<u64>,
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    output: Vec<String>,
    #[serde(default)]
    abilities: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    open_weights: Option<bool>,
    licence: Option<String>,
    parameters_billion: Option<String>,
    #[serde(default)]
    free: bool,
    price: Option<PriceText>,
    long_context: Option<LongContextText>,
    off_peak: Option<OffPeakText>,
    #[serde(default)]
    later_prices: Vec<LaterText>,
    #[serde(default)]
    other_prices: Vec<OtherPriceText>,
    price_note: Option<String>,
    #[serde(default)]
    benchmarks: Vec<Benchmark>,
    #[serde(default)]
    offers: Vec<OfferStanza>,
}

/// Another vendor of the same model. What it does not say is as its model says; sizes and prices are never taken over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferStanza {
    provider: String,
    upstream: String,
    protocol: Option<String>,
    context_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    #[serde(default)]
    free: bool,
    price: Option<PriceText>,
    long_context: Option<LongContextText>,
    off_peak: Option<OffPeakText>,
    #[serde(default)]
    later_prices: Vec<LaterText>,
}

/// A price from a moment on. It is told whole: nothing is taken over from the one before.
#[derive(Deserialize)]
struct LaterText {
    from: String,
    #[serde(default)]
    free: bool,
    #[serde(flatten)]
    price: PriceText,
    long_context: Option<LongContextText>,
    off_peak: Option<OffPeakText>,
}

/// Dollars per million tokens. A price needs both input and output to be one.
#[derive(Deserialize)]
struct PriceText {
    input: Option<String>,
    output: Option<String>,
    cached_input: Option<String>,
    cache_write: Option<String>,
    cache_write_1h: Option<String>,
    reasoning: Option<String>,
    /// Dollars for one picture, of a model that has no other price.
    picture: Option<String>,
}

#[derive(Deserialize)]
struct LongContextText {
    above_input_tokens: u64,
    #[serde(flatten)]
    rates: PriceText,
}

#[derive(Deserialize)]
struct OffPeakText {
    windows: Vec<WindowText>,
    #[serde(flatten)]
    rates: PriceText,
}

#[derive(Deserialize)]
struct WindowText {
    /// `"10:00-00:00"`; an end of `00:00` is midnight.
    hours: String,
    weekdays: Vec<u32>,
}

#[derive(Deserialize)]
struct OtherPriceText {
    what: String,
    unit: String,
    usd: String,
}

/// Every model of the file, or the first thing that is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Model>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    file.model
        .into_iter()
        .map(|stanza| {
            let id = stanza.id.to_string();
            model(stanza).map_err(|fault| format!("{id}: {fault}"))
        })
        .collect()
}

/// Each model of the file as a file of its own.
pub fn stanzas(text: &str) -> Result<Vec<String>, String> {
    let file: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let models = file.get("model").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let alone = |model| toml::Table::from_iter([("model".to_owned(), toml::Value::Array(vec![model]))]);
    models
        .into_iter()
        .map(|model| toml::to_string(&alone(model)).map_err(|error| error.to_string()))
        .collect()
}

fn model(stanza: Stanza) -> Result<Model, Fault> {
    let (long, off_peak) = (stanza.long_context.as_ref(), stanza.off_peak.as_ref());
    let price = price(stanza.free, stanza.price.as_ref(), long, off_peak)?;
    let offers = offers(stanza.offers, &stanza.protocol)?;
    if let Some(twice) = offers.iter().enumerate().find(|(at, offer)| {
        offer.provider.0 == stanza.provider
            || offers[..*at].iter().any(|other| other.provider == offer.provider)
    }) {
        return Err(Fault::invalid("offers", &format!("name {} twice", twice.1.provider)));
    }
    let other_prices = stanza
        .other_prices
        .into_iter()
        .map(|other| {
            Ok(OtherPrice {
                what: other.what,
                unit: other.unit,
                provider_nanos: Nanos::parse_usd(&other.usd)?,
            })
        })
        .collect::<Result<_, Fault>>()?;
    Ok(Model {
        id: stanza.id,
        name: stanza.name,
        publisher: stanza.publisher,
        provider: ProviderId(stanza.provider),
        upstream: stanza.upstream,
        protocol: stanza.protocol,
        kind: stanza.kind,
        status: stanza.status,
        aliases: stanza.aliases,
        replacement: stanza.replacement,
        released: stanza.released,
        knowledge_cutoff: stanza.knowledge_cutoff,
        retires: stanza.retires,
        context_tokens: stanza.context_tokens,
        max_input_tokens: stanza.max_input_tokens,
        max_output_tokens: stanza.max_output_tokens,
        embedding_dimensions: stanza.embedding_dimensions,
        input: stanza.input,
        output: stanza.output,
        abilities: stanza.abilities,
        lacks: stanza.lacks,
        price,
        free: stanza.free,
        later: later(&stanza.later_prices)?,
        other_prices,
        price_note: stanza.price_note,
        open_weights: stanza.open_weights,
        licence: stanza.licence,
        parameters_billion: stanza.parameters_billion,
        benchmarks: stanza.benchmarks,
        offers,
    })
}

fn offers(stanzas: Vec<OfferStanza>, protocol: &str) -> Result<Vec<Offer>, Fault> {
    let offer = |stanza: OfferStanza| {
        let (long, off_peak) = (stanza.long_context.as_ref(), stanza.off_peak.as_ref());
        Ok(Offer {
            price: price(stanza.free, stanza.price.as_ref(), long, off_peak)?,
            later: later(&stanza.later_prices)?,
            provider: ProviderId(stanza.provider),
            upstream: stanza.upstream,
            protocol: stanza.protocol.unwrap_or_else(|| protocol.to_owned()),
            context_tokens: stanza.context_tokens,
            max_input_tokens: stanza.max_input_tokens,
            max_output_tokens: stanza.max_output_tokens,
            free: stanza.free,
        })
    };
    stanzas.into_iter().map(offer).collect()
}

/// One after the other: of two that begin at once nobody could say which is meant.
fn later(texts: &[LaterText]) -> Result<Vec<LaterPrice>, Fault> {
    let wrong = |problem: &str| Fault::invalid("later_prices", problem);
    let mut known: Vec<LaterPrice> = Vec::new();
    for text in texts {
        let from = moment(&text.from).ok_or_else(|| {
            wrong(&format!("begin at {}, which is not written as 2027-01-01T00:00:00Z", text.from))
        })?;
        if let Some(before) = known.last().filter(|before| from <= before.from) {
            return Err(wrong(&format!(
                "overlap: {} does not come after {}",
                text.from,
                written(before.from)
            )));
        }
        let price = price(text.free, Some(&text.price), text.long_context.as_ref(), text.off_peak.as_ref())?
            .ok_or_else(|| wrong(&format!("need both input and output, from {} on", text.from)))?;
        known.push(LaterPrice { from, price, free: text.free });
    }
    Ok(known)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    // A day alone begins at its midnight.
    at.ok().or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc()))
}

pub fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn price(
    free: bool,
    plain: Option<&PriceText>,
    long_context: Option<&LongContextText>,
    off_peak: Option<&OffPeakText>,
) -> Result<Option<Price>, Fault> {
    if free {
        return Ok(Some(Price::default()));
    }
    if let Some(each) = plain.and_then(|price| price.picture.as_deref()) {
        return picture_price(each).map(Some);
    }
    let Some(rates) = plain.map(|text| self::rates(text, None)).transpose()?.flatten() else {
        return Ok(None);
    };
    if rates.input == Rate::FREE && rates.output == Rate::FREE {
        return Err(Fault::invalid("price", "is zero without free = true"));
    }
    // A tier says only what differs; the rest stays as in the plain rates.
    let tier = |text: &PriceText| Ok::<_, Fault>(self::rates(text, Some(&rates))?.unwrap_or(rates));
    Ok(Some(Price {
        rates,
        long_context: long_context
            .map(|long| {
                Ok::<_, Fault>(LongContext {
                    above_input_tokens: long.above_input_tokens,
                    rates: tier(&long.rates)?,
                })
            })
            .transpose()?,
        off_peak: off_peak
            .map(|cheap| {
                let windows = cheap.windows.iter().map(window).collect::<Result<_, _>>()?;
                Ok::<_, Fault>(OffPeak { windows, rates: tier(&cheap.rates)? })
            })
            .transpose()?,
        output_unit: None,
    }))
}

fn picture_price(each: &str) -> Result<Price, Fault> {
    let each = Nanos::parse_usd(each)?;
    let price = Price::by_the_picture(each).filter(|_| each > Nanos::ZERO);
    price.ok_or_else(|| Fault::invalid("price", "of a picture must be more than nothing"))
}

fn rates(text: &PriceText, base: Option<&Rates>) -> Result<Option<Rates>, Fault> {
    let read = |part: &Option<String>| part.as_deref().map(Rate::parse_usd).transpose();
    let input = read(&text.input)?.or(base.map(|base| base.input));
    let output = read(&text.output)?.or(base.map(|base| base.output));
    let (Some(input), Some(output)) = (input, output) else { return Ok(None) };
    Ok(Some(Rates {
        input,
        output,
        cached_input: read(&text.cached_input)?.or(base.and_then(|base| base.cached_input)),
        cache_write: read(&text.cache_write)?.or(base.and_then(|base| base.cache_write)),
        cache_write_1h: read(&text.cache_write_1h)?.or(base.and_then(|base| base.cache_write_1h)),
        reasoning: read(&text.reasoning)?.or(base.and_then(|base| base.reasoning)),
    }))
}

fn window(text: &WindowText) -> Result<Window, Fault> {
    let wrong = || Fault::invalid("off_peak", "hours must be written as 10:00-18:30");
    let minute = |clock: &str| {
        let (hour, minute) = clock.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (from, until) = text.hours.split_once('-').ok_or_else(wrong)?;
    let (from, until) = (minute(from).ok_or_else(wrong)?, minute(until).ok_or_else(wrong)?);
    let until_minute = if until == 0 { 24 * 60 } else { until };
    let weekdays_known = text.weekdays.iter().all(|day| (1..=7).contains(day));
    if from >= until_minute || !weekdays_known {
        return Err(wrong());
    }
    Ok(Window { weekdays: text.weekdays.clone(), from_minute: from, until_minute })
}

#[cfg(test)]
pub(super) mod tests;
