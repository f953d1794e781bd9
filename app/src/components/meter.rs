//! The meter: what a call will cost, costs and has cost, in one place with one shape and the same words.

use leptos::prelude::*;
use marketplace::money::{Nanos, group};

/// Where a call stands with the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeterState {
    /// Nothing to price yet.
    #[default]
    Idle,
    Quoted {
        likely: Nanos,
        max: Nanos,
    },
    /// Free tokens would pay for it, at most so many.
    FreeQuoted {
        most: u64,
    },
    Held {
        hold: Nanos,
    },
    FreeHeld {
        most: u64,
    },
    Streaming {
        cost: Nanos,
        hold: Nanos,
    },
    Settled {
        charge: Nanos,
        hold: Nanos,
    },
    FreeSettled {
        tokens: u64,
    },
    /// Nothing was charged; the whole hold went back.
    Released {
        hold: Nanos,
    },
    Refunded {
        amount: Nanos,
    },
}

#[component]
pub fn Meter(#[prop(into)] state: Signal<MeterState>) -> impl IntoView {
    let announced = Memo::new(move |_| state.get().announcement());
    view! {
        <div class="meter" data-state=move || state.get().name() role="group" aria-label="Cost meter">
            <b class="meter-word">{move || state.get().word()}</b>
            <svg class="meter-track" viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect class="meter-hold" width="1000" height="6" rx="3" />
                <rect class="meter-fill" width=move || state.get().permille().to_string() height="6" rx="3" />
            </svg>
            <span class="meter-figures">
                <b class="num">{move || state.get().amount().map(Nanos::cost)}</b>
                <span class="soft">{move || state.get().remark()}</span>
            </span>
            <span class="visually-hidden" aria-live="polite">{announced}</span>
        </div>
    }
}

impl MeterState {
    fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Quoted { .. } | Self::FreeQuoted { .. } => "quoted",
            Self::Held { .. } | Self::FreeHeld { .. } => "held",
            Self::Streaming { .. } => "streaming",
            Self::Settled { .. } | Self::FreeSettled { .. } => "settled",
            Self::Released { .. } => "released",
            Self::Refunded { .. } => "refunded",
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Idle => "Ready",
            Self::Quoted { .. } => "Quoted",
            Self::FreeQuoted { .. } => "Free",
            Self::Held { .. } | Self::FreeHeld { .. } => "Held",
            Self::Streaming { .. } => "Streaming",
            Self::Settled { .. } | Self::FreeSettled { .. } => "Settled",
            Self::Released { .. } => "Released",
            Self::Refunded { .. } => "Refunded",
        }
    }

    /// The figure that matters now.
    fn amount(&self) -> Option<Nanos> {
        match *self {
            Self::Idle | Self::FreeQuoted { .. } | Self::FreeHeld { .. } | Self::FreeSettled { .. } => None,
            Self::Quoted { likely, .. } => Some(likely),
            Self::Held { hold } | Self::Released { hold } => Some(hold),
            Self::Streaming { cost, .. } => Some(cost),
            Self::Settled { charge, .. } => Some(charge),
            Self::Refunded { amount } => Some(amount),
        }
    }

    fn remark(&self) -> String {
        match *self {
            Self::Idle => "The price shows as you type".to_owned(),
            Self::Quoted { max, .. } => format!(" likely, at most {}", max.cost()),
            Self::FreeQuoted { most } => format!("up to {} tokens of this month's", group(most)),
            Self::Held { .. } => " set aside until the answer ends".to_owned(),
            Self::FreeHeld { most } => format!("{} free tokens until the answer ends", group(most)),
            Self::Streaming { hold, .. } => format!(" of at most {}", hold.cost()),
            Self::Settled { charge, hold } => format!(" paid, {} given back", (hold - charge).cost()),
            Self::FreeSettled { tokens } => format!("{} free tokens taken, nothing paid", group(tokens)),
            Self::Released { .. } => " given back, nothing charged".to_owned(),
            Self::Refunded { .. } => " refunded".to_owned(),
        }
    }

    /// How full the bar is: the share of the most this call can cost.
    fn permille(&self) -> u32 {
        match *self {
            Self::Quoted { likely, max } => share(likely, max, 1_000),
            Self::Streaming { cost, hold } => share(cost, hold, 1_000),
            Self::Settled { charge, hold } => share(charge, hold, 1_000),
            _ => 0,
        }
    }

    /// Said aloud. It changes only at steps: held, each tenth of the hold, the end.
    fn announcement(&self) -> String {
        match *self {
            // Prices that change with each letter typed would only disturb.
            Self::Idle | Self::Quoted { .. } | Self::FreeQuoted { .. } => String::new(),
            Self::Streaming { cost, hold } => {
                format!("Streaming: {} % of {} used", share(cost, hold, 10) * 10, hold.cost())
            }
            _ => {
                let amount = self.amount().map(Nanos::cost).unwrap_or_default();
                format!("{}: {amount}{}", self.word(), self.remark())
            }
        }
    }
}

fn share(part: Nanos, whole: Nanos, of: u32) -> u32 {
    if whole <= Nanos::ZERO {
        return 0;
    }
    let share = i128::from(part.0.max(0)) * i128::from(of) / i128::from(whole.0);
    u32::try_from(share).unwrap_or(of).min(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_announced_once_for_each_tenth_of_its_hold() {
        let hold = Nanos(1_000_000);
        let mut said: Vec<String> = (0..=1_000)
            .map(|part| MeterState::Streaming { cost: Nanos(part * 1_000), hold }.announcement())
            .collect();
        said.dedup();
        assert_eq!(said.len(), 11);
    }

    #[test]
    fn free_tokens_are_told_without_money() {
        assert_eq!(
            MeterState::FreeSettled { tokens: 1_312 }.announcement(),
            "Settled: 1,312 free tokens taken, nothing paid"
        );
    }

    #[test]
    fn the_bar_stays_within_its_track() {
        let over = MeterState::Streaming { cost: Nanos(5), hold: Nanos(4) };
        let free = MeterState::Settled { charge: Nanos(0), hold: Nanos(0) };
        assert_eq!((over.permille(), free.permille()), (1_000, 0));
    }

    #[test]
    fn what_was_held_is_paid_or_given_back() {
        let settled = MeterState::Settled { charge: Nanos(3_000_000), hold: Nanos(10_000_000) };
        assert_eq!(settled.announcement(), "Settled: $0.003000 paid, $0.007000 given back");
    }
}
