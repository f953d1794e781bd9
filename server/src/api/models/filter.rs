//! OpenRouter's filters of `/models`, after those of our own.

use marketplace::model::Listing;
use marketplace::money::Rate;
use serde::Deserialize;

use super::parameter::takes;

/// Lists have commas in them; a model must have all that a list of abilities or kinds names, and one of the names.
/// Nonsense is ignored, not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Filter {
    supported_parameters: String,
    input_modalities: String,
    output_modalities: String,
    /// The least context in tokens.
    context: String,
    /// Dollars per million input tokens, as the buyer pays them.
    min_price: String,
    model_authors: String,
    providers: String,
    offset: String,
    limit: String,
}

impl Filter {
    /// Those that pass, in the order they came, and how many they were before they were cut to a page.
    pub fn run<'a>(&self, listings: impl Iterator<Item = &'a Listing>) -> (Vec<&'a Listing>, usize) {
        let kept: Vec<&Listing> = listings.filter(|listing| self.keeps(listing)).collect();
        let (total, number) = (kept.len(), |text: &str| text.parse::<usize>().ok());
        let (skipped, most) = (number(&self.offset).unwrap_or(0), number(&self.limit).unwrap_or(usize::MAX));
        (kept.into_iter().skip(skipped).take(most).collect(), total)
    }

    fn keeps(&self, listing: &Listing) -> bool {
        let model = &listing.model;
        let is_seller = |name: &str| {
            let plain = plain(name);
            model.every_offer().any(|offer| plain == self::plain(&offer.provider.0))
        };
        all(&self.supported_parameters, |name| takes(model, name))
            && all(&self.input_modalities, |kind| has(&model.input, kind))
            && all(&self.output_modalities, |kind| has(&model.output, kind))
            && any(&self.model_authors, |author| {
                model.id.author().eq_ignore_ascii_case(author) || model.publisher.eq_ignore_ascii_case(author)
            })
            && any(&self.providers, is_seller)
            && self
                .context
                .parse::<u64>()
                .ok()
                .is_none_or(|least| model.context_tokens.is_some_and(|tokens| tokens >= least))
            && Rate::parse_usd(&self.min_price)
                .ok()
                .is_none_or(|least| listing.buyer_rates().is_some_and(|(input, _)| input >= least))
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "all")
}

fn all(list: &str, is_so: impl Fn(&str) -> bool) -> bool {
    names(list).all(is_so)
}

fn any(list: &str, is_so: impl Fn(&str) -> bool) -> bool {
    names(list).next().is_none() || names(list).any(is_so)
}

fn has(values: &[String], wanted: &str) -> bool {
    values.iter().any(|value| value.eq_ignore_ascii_case(wanted))
}

/// Names are told in both spellings, `Hugging Face` and `huggingface`.
fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-', '_', '.'], "")
}
