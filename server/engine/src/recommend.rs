//! Models for a task: the score of `marketplace::recommend` over the catalogue and what was measured here.

use std::collections::HashMap;

use marketplace::fault::Fault;
use marketplace::health::{HealthReport, Measured, Span};
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Listing, Model};
use marketplace::recommend::{Aspect, Candidate, Change, Need, Refusal, Scored, Wish};

use crate::{Actor, Engine, Result};

/// Whoever is shown more compares less.
const PICKS_MAX: usize = 50;

/// The best first, and what the rest was left out for.
#[derive(Clone, Debug)]
pub struct Recommendation {
    pub picks: Vec<Pick>,
    /// How many meet the wish.
    pub total: usize,
    pub left_out: Vec<(Refusal, usize)>,
    /// By how many points the second pick is behind the first, and what would have to change.
    pub behind: u32,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug)]
pub struct Pick {
    pub listing: Listing,
    pub scored: Scored,
    /// What speaks for each aspect, in their order.
    pub told: [String; Aspect::ALL.len()],
    pub why: String,
}

impl Engine {
    /// The models that meet a wish, at most so many of them.
    pub async fn recommend(&self, actor: &Actor, wish: &Wish, most: usize) -> Result<Recommendation> {
        // A model is recommended whether or not it can be told how it did.
        let health = self.health(actor, Span::Month).await.ok();
        let measured = health.as_deref().map(measured).unwrap_or_default();
        let listings = self.listings(actor);
        check_needs(wish, &listings)?;
        let vendors = self.0.vendors.load();
        let is_local = |model: &Model| {
            let provider = vendors.registry.find(&model.provider);
            // The weights of these stand elsewhere, and the server passes the question on.
            provider.is_some_and(|one| one.vendor.dialect.is_self_hosted())
                && !model.upstream.ends_with("-cloud")
        };
        let candidates: Vec<Candidate<'_>> = listings
            .iter()
            .map(|listing| Candidate {
                listing,
                measured: measured.get(&(&listing.model.id, &listing.model.provider)).copied(),
                is_local: is_local(&listing.model),
            })
            .collect();
        let ranking = wish.rank(&candidates);
        let rival = wish.rival(&ranking, &candidates);
        let (behind, changes) = rival.map(|rival| (rival.behind, rival.changes)).unwrap_or_default();
        let total = ranking.scored.len();
        let picks = ranking.scored.into_iter().take(most.min(PICKS_MAX)).filter_map(|scored| {
            let candidate = candidates.get(scored.at)?;
            let (told, why) = (wish.told(candidate), scored.why(&wish.weights));
            Some(Pick { listing: candidate.listing.clone(), scored, told, why })
        });
        Ok(Recommendation { picks: picks.collect(), total, left_out: ranking.left_out, behind, changes })
    }
}

fn measured(report: &HealthReport) -> HashMap<(&ModelId, &ProviderId), &Measured> {
    report.offers().map(|offer| ((&offer.model, &offer.provider), &offer.measured)).collect()
}

/// An ability no model is known to have or to lack is a mistyped one, and would only leave everything out.
fn check_needs(wish: &Wish, listings: &[Listing]) -> std::result::Result<(), Fault> {
    let is_known = |ability: &String| {
        let mut told =
            listings.iter().flat_map(|listing| listing.model.abilities.iter().chain(&listing.model.lacks));
        told.any(|known| known == ability)
    };
    for need in &wish.needs {
        if let Need::Ability(ability) = need
            && !is_known(ability)
        {
            let problem =
                format!("knows no “{ability}”: it takes open_weights, local, and abilities of models");
            return Err(Fault::invalid("needs", &problem));
        }
    }
    Ok(())
}
