//! What is said of a model in more than one place.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use marketplace::model::{Model, Status};
use marketplace::price::TakeRate;

use crate::pages::words::{ABILITIES, ability_name, capital};

/// A model's abilities as labels, most telling first.
pub fn ability_names(abilities: &[String]) -> Vec<String> {
    let place = |ability: &String| ABILITIES.iter().position(|(key, _)| key == ability).unwrap_or(usize::MAX);
    let mut sorted: Vec<&String> = abilities.iter().collect();
    sorted.sort_by_key(|ability| place(ability));
    sorted.into_iter().map(|ability| ability_label(ability)).collect()
}

pub fn ability_label(ability: &str) -> String {
    capital(&ability_name(ability))
}

/// What goes in or comes out.
pub fn modality_label(kind: &str) -> String {
    match kind {
        "text" => "Text".to_owned(),
        "image" => "Images".to_owned(),
        "audio" => "Audio".to_owned(),
        "video" => "Video".to_owned(),
        "pdf" => "PDF".to_owned(),
        "embedding" => "Embeddings".to_owned(),
        other => capital(&other.replace('_', " ")),
    }
}

/// A licence, or whether weights are open, as the catalogue's searches call it.
pub fn licence_label(licence: &str) -> String {
    match licence {
        "open" => "Open weights".to_owned(),
        "proprietary" => "Proprietary".to_owned(),
        "mit" => "MIT".to_owned(),
        other => other.split('-').map(capital).collect::<Vec<_>>().join(" "),
    }
}

pub fn day(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// When something begins: the day, and the minute too unless it is the first.
pub fn beginning(at: DateTime<Utc>) -> String {
    if at.time() == NaiveTime::MIN {
        day(at.date_naive())
    } else {
        at.format("%-d %b %Y %H:%M UTC").to_string()
    }
}

/// The commission as people say it: `30 %`.
pub fn share(take: TakeRate) -> String {
    let (whole, rest) = (take.0 / 100, take.0 % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:02} %") }
}

/// How a model's life stands, when that is worth a warning.
pub fn ending(model: &Model) -> Option<String> {
    match (model.status, model.retires) {
        (Status::Deprecated, Some(date)) => Some(format!("ends {}", day(date))),
        (Status::Deprecated, None) => Some("ending".to_owned()),
        (Status::Retired, _) => Some("retired".to_owned()),
        (Status::Active | Status::Unlisted, _) => None,
    }
}
