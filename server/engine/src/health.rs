//! How well vendors answer, as all servers have measured it together.

mod attend;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use marketplace::account::Role;
use marketplace::fault::{Code, Fault};
use marketplace::health::{
    Attempt, Glance, HealthReport, OfferHealth, Slice, Span, Standing, Tally, VendorHealth,
};
use marketplace::id::{ModelId, ProviderId};
use store::health::{OfferMinute, OfferSpan};
use tokio::time::timeout;
use tracing::{info, warn};

pub(crate) use self::attend::Attended;
use crate::{Actor, Engine, Result};

/// Servers write once a minute, so nothing is news sooner.
const REPORT_KEPT: Duration = Duration::from_secs(60);
/// Pages tell of health by the way; they must not wait for it.
const REPORT_PATIENCE: Duration = Duration::from_secs(2);
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Minutes that a server keeps while the database is away: an hour of a hundred offers.
const NOTED_MAX: usize = 6_000;

/// An offer in the minute that begins then.
type Minute = (ModelId, ProviderId, DateTime<Utc>);

/// What this server has seen and not yet written down, and what all have.
#[derive(Default)]
pub(crate) struct Health {
    noted: Mutex<BTreeMap<Minute, Tally>>,
    glances: ArcSwap<HashMap<ModelId, Vec<(ProviderId, Glance)>>>,
    reports: [tokio::sync::Mutex<Kept>; Span::ALL.len()],
}

/// The last report of a span, and until when it will do.
#[derive(Default)]
struct Kept {
    until: Option<Instant>,
    report: Option<Arc<HealthReport>>,
}

impl Health {
    pub fn note(&self, model: &ModelId, provider: &ProviderId, attempt: &Attempt) {
        let Ok(minute) = Utc::now().duration_trunc(TimeDelta::minutes(1)) else { return };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry((model.clone(), provider.clone(), minute)).or_default().note(attempt);
    }

    /// How an offer did in the last half hour, as of at most two minutes ago; `None` when nobody asked it.
    pub fn glance(&self, model: &ModelId, provider: &ProviderId) -> Option<Glance> {
        let glances = self.glances.load();
        glances.get(model)?.iter().find(|(of, _)| of == provider).map(|(_, glance)| *glance)
    }

    fn take(&self) -> BTreeMap<Minute, Tally> {
        std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What could not be written down waits for the next time, as long as there is room.
    fn give_back(&self, minutes: Vec<OfferMinute>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for one in minutes {
            noted.entry((one.model, one.provider, one.minute)).or_default().add(&one.tally);
        }
        if noted.len() > NOTED_MAX {
            warn!(
                minutes = noted.len(),
                "what was measured of vendors cannot be written down and is dropped"
            );
            noted.clear();
        }
    }

    fn set_glances(&self, offers: Vec<OfferSpan>) {
        let mut glances = HashMap::<_, Vec<_>>::new();
        for offer in offers {
            let Some(glance) = offer.tally.glance() else { continue };
            glances.entry(offer.model).or_default().push((offer.provider, glance));
        }
        self.glances.store(Arc::new(glances));
    }
}

impl Engine {
    /// How offers have answered, as of at most two minutes ago.
    pub async fn health(&self, _actor: &Actor, span: Span) -> Result<Arc<HealthReport>> {
        // Whoever comes while it is read waits for that, instead of reading too.
        let mut kept = self.0.health.reports[span as usize].lock().await;
        if kept.until.is_none_or(|until| until <= Instant::now()) {
            match timeout(REPORT_PATIENCE, self.read_health(span)).await {
                Ok(Ok(report)) => {
                    *kept =
                        Kept { until: Some(Instant::now() + REPORT_KEPT), report: Some(Arc::new(report)) };
                }
                // What was told before is still true of its time.
                late => {
                    warn!(failed = ?late.map(|read| read.err()), "the health of offers could not be read");
                    kept.until = Some(Instant::now() + RETRY_AFTER);
                }
            }
        }
        let unknown = || Fault::new(Code::Unavailable, "What was measured cannot be read right now");
        Ok(kept.report.clone().ok_or_else(unknown)?)
    }

    /// Writes down what this server has measured, and takes over what all servers have.
    pub async fn note_health(&self, actor: &Actor) -> Result<()> {
        actor.require(&[Role::Admin])?;
        let health = &self.0.health;
        let minutes: Vec<OfferMinute> = health
            .take()
            .into_iter()
            .map(|((model, provider, minute), tally)| OfferMinute { model, provider, minute, tally })
            .collect();
        if !minutes.is_empty()
            && let Err(cause) = store::health::note_offer_minutes(&self.0.db, &minutes).await
        {
            health.give_back(minutes);
            return Err(cause.into());
        }
        let half_hour = Span::HalfHour.slices() * Span::HalfHour.slice_minutes();
        let since = Utc::now() - TimeDelta::minutes(half_hour.into());
        health.set_glances(store::health::list_offers(&self.0.db, since, half_hour).await?);
        for report in &health.reports {
            report.lock().await.until = None;
        }
        Ok(())
    }

    pub(crate) async fn keep_health(&self) {
        if let Err(cause) = self.note_health(&Actor::Operator).await {
            warn!(%cause, "the health of offers could not be written down or read");
        }
    }

    /// Lets old minutes become hours, and forgets old hours.
    pub(crate) async fn fold_health(&self) {
        match store::health::fold_offer_minutes(&self.0.db).await {
            Ok(done) if done.folded + done.forgotten > 0 => {
                info!(
                    folded = done.folded,
                    forgotten = done.forgotten,
                    "folded what was measured of vendors"
                );
            }
            Ok(_) => {}
            Err(cause) => warn!(%cause, "what was measured of vendors could not be folded"),
        }
    }

    async fn read_health(&self, span: Span) -> Result<HealthReport> {
        let now = Utc::now();
        let begins = span.begins(now);
        let from = begins.first().copied().unwrap_or(now);
        let found = store::health::list_offers(&self.0.db, from, span.slice_minutes()).await?;
        let mut vendors: Vec<(VendorHealth, Tally)> = Vec::new();
        for offer in found {
            let at = vendors.iter().position(|(vendor, _)| vendor.provider == offer.provider);
            let at = at.unwrap_or_else(|| {
                vendors.push((self.vendor_unmeasured(&offer.provider), Tally::default()));
                vendors.len() - 1
            });
            let Some((vendor, all)) = vendors.get_mut(at) else { continue };
            all.add(&offer.tally);
            vendor.offers.push(self.offer_health(offer, &vendor.name, &begins));
        }
        let vendors: Vec<VendorHealth> = vendors
            .into_iter()
            .map(|(vendor, all)| VendorHealth {
                now: Standing::of_all(vendor.offers.iter().map(|offer| offer.now)),
                measured: all.measured(),
                ..vendor
            })
            .collect();
        let standings = vendors.iter().flat_map(|vendor| &vendor.offers).map(|offer| offer.now);
        Ok(HealthReport {
            span,
            from: told(from),
            until: told(now),
            now: Standing::of_all(standings),
            vendors,
        })
    }

    fn vendor_unmeasured(&self, provider: &ProviderId) -> VendorHealth {
        let name = self.0.vendors.load().registry.find(provider).map_or_else(
            || marketplace::model::publisher_name(&provider.0),
            |known| known.vendor.name.to_owned(),
        );
        let (now, measured) = (Standing::Unknown, Tally::default().measured());
        VendorHealth { provider: provider.clone(), name, now, measured, offers: Vec::new() }
    }

    fn offer_health(&self, offer: OfferSpan, provider_name: &str, begins: &[DateTime<Utc>]) -> OfferHealth {
        let glance = self.0.health.glance(&offer.model, &offer.provider);
        let slices = begins.iter().enumerate().map(|(place, begin)| {
            let sum = offer.slices.iter().find(|slice| usize::try_from(slice.place) == Ok(place));
            let (attempts, failures) = sum.map_or((0, 0), |sum| (sum.attempts, sum.failures));
            Slice { from: told(*begin), attempts, failures }
        });
        OfferHealth {
            slices: slices.collect(),
            now: Standing::of(glance.as_ref()),
            measured: offer.tally.measured(),
            model: offer.model,
            provider: offer.provider,
            provider_name: provider_name.to_owned(),
        }
    }
}

fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
