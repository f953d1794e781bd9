//! What a day of use would cost: words in, words out, calls a day. The figures are those of the ledger.

use chrono::DateTime;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_query_map;
use marketplace::money::{Nanos, group};
use marketplace::price::{Charge, Price, TakeRate};
use marketplace::quote::{PromptSize, likely_tokens};
use marketplace::usage::Tokens;

use crate::api::models::Tariff;
use crate::components::{AddressForm, Amount, Field};

/// An English word and the blank after it.
const BYTES_PER_WORD: u64 = 6;
const WORDS_MAX: u64 = 1_000_000;
const CALLS_MAX: u64 = 1_000_000;
const DAYS_PER_MONTH: u64 = 30;

pub fn tokens_of_words(words: u64) -> u64 {
    likely_tokens(words * BYTES_PER_WORD)
}

/// Words that are asked, as the Send button counts them: with what stands around a message.
pub fn tokens_asked(words: u64) -> u64 {
    PromptSize::empty()
        .with_message(usize::try_from(words * BYTES_PER_WORD).unwrap_or(usize::MAX))
        .likely_tokens
}

/// What a call of so many words costs outside of cheaper hours.
pub fn charge_for_words(price: &Price, take: TakeRate, words_in: u64, words_out: u64) -> Charge {
    charge_for_tokens(price, take, tokens_asked(words_in), tokens_of_words(words_out))
}

/// What it costs to make so many words into a vector: nothing stands around them.
pub fn charge_for_text(price: &Price, take: TakeRate, words: u64) -> Charge {
    charge_for_tokens(price, take, tokens_of_words(words), 0)
}

fn charge_for_tokens(price: &Price, take: TakeRate, input: u64, output: u64) -> Charge {
    let plain = Price { off_peak: None, ..price.clone() };
    // Without cheaper hours the moment does not matter.
    let rates = plain.rates_for(input, DateTime::UNIX_EPOCH);
    rates.charge(&Tokens { input, output, ..Tokens::default() }, take)
}

#[component]
pub fn Calculator(tariff: Tariff) -> impl IntoView {
    let Tariff { href, price, take, generates } = tariff;
    let query = use_query_map();
    let asked = |name: &str, usual: u64| {
        RwSignal::new(query.with_untracked(|query| query.get(name)).unwrap_or(usual.to_string()))
    };
    let (words_in, words_out, calls) =
        (asked("words_in", 500), asked("words_out", if generates { 300 } else { 0 }), asked("calls", 100));
    let number =
        |text: RwSignal<String>, most: u64| move || text.get().trim().parse::<u64>().unwrap_or(0).min(most);
    let (count_in, count_out, count_calls) =
        (number(words_in, WORDS_MAX), number(words_out, WORDS_MAX), number(calls, CALLS_MAX));
    let tokens_in = move || if generates { tokens_asked(count_in()) } else { tokens_of_words(count_in()) };
    let charge =
        Memo::new(move |_| charge_for_tokens(&price, take, tokens_in(), tokens_of_words(count_out())));
    let times = move |times: u64| times_charge(charge.get().charge, times);
    let in_place = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
    view! {
        <section id="calculator" class="stack" aria-labelledby="calculator-title">
            <h2 id="calculator-title">"Calculator"</h2>
            <div class="card calculator">
                <AddressForm action=href options=in_place>
                    <NumberField label="Words in, a call" name="words_in" most=WORDS_MAX text=words_in />
                    {generates.then(|| view! { <NumberField label="Words out, a call" name="words_out" most=WORDS_MAX text=words_out /> }.into_any())}
                    <NumberField label="Calls a day" name="calls" most=CALLS_MAX text=calls />
                    <button class="button unscripted" type="submit">"Calculate"</button>
                </AddressForm>
                <dl class="kv" aria-live="polite">
                    <dt>"A call, "{move || group(tokens_in())}" + "{move || group(tokens_of_words(count_out()))}" tokens"</dt>
                    <dd><Amount nanos=Signal::derive(move || charge.get().charge) /></dd>
                    <dt>"of it the provider’s"</dt>
                    <dd class="soft"><Amount nanos=Signal::derive(move || charge.get().provider_cost) /></dd>
                    <dt>"of it the fee"</dt>
                    <dd class="soft"><Amount nanos=Signal::derive(move || charge.get().commission) /></dd>
                    <dt>"A day"</dt>
                    <dd><Amount nanos=Signal::derive(move || times(count_calls())) /></dd>
                    <dt class="total">"A month of 30 days"</dt>
                    <dd class="total"><Amount nanos=Signal::derive(move || times(count_calls() * DAYS_PER_MONTH)) /></dd>
                </dl>
            </div>
            <p class="soft small">
                "Counted as six bytes a word, four bytes a token and, in a chat, seven tokens around them, as the Send button does; without cache and outside of cheaper hours. A real call is billed by the tokens its provider counts."
            </p>
        </section>
    }
    .into_any()
}

fn times_charge(charge: Nanos, times: u64) -> Nanos {
    Nanos(charge.0.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX)))
}

#[component]
fn NumberField(label: &'static str, name: &'static str, most: u64, text: RwSignal<String>) -> impl IntoView {
    view! {
        <Field id=name label=label>
            <input
                id=name
                class="num"
                type="number"
                name=name
                min="0"
                max=most.to_string()
                inputmode="numeric"
                value=text.get_untracked()
                on:input=move |event| text.set(event_target_value(&event))
            />
        </Field>
    }
}

#[cfg(test)]
mod tests {
    use marketplace::money::Rate;
    use marketplace::price::Rates;
    use marketplace::quote::quote;

    use super::*;

    fn price(input: i64, output: i64) -> Price {
        let rates = Rates { input: Rate(input), output: Rate(output), ..Rates::default() };
        Price { rates, ..Price::default() }
    }

    #[test]
    fn a_thousand_words_each_way_cost_what_the_ledger_would_take() {
        let charge = charge_for_words(&price(1_000_000_000, 2_000_000_000), TakeRate::STANDARD, 1_000, 1_000);
        assert_eq!(charge.provider_cost, Nanos(1_507 * 1_000 + 1_500 * 2_000));
        assert_eq!(charge.charge, Nanos(6_438_572));
    }

    #[test]
    fn the_calculator_tells_what_the_send_button_calls_likely() {
        // The button expects 350 tokens back, which are 233 words here.
        for (input, output) in
            [(0, 1), (1, 0), (250_000_000, 2_000_000_000), (75_000_000_000, 600_000_000_000)]
        {
            for words in [0, 1, 7, 400, 99_999] {
                let price = price(input, output);
                let prompt =
                    PromptSize::empty().with_message(usize::try_from(words * BYTES_PER_WORD).unwrap());
                let quoted = quote(&price, TakeRate::STANDARD, prompt, 4_096, DateTime::UNIX_EPOCH);
                let told = charge_for_words(&price, TakeRate::STANDARD, words, 233);
                assert_eq!(told.charge, quoted.likely_nanos, "{words} words at {input} and {output}");
            }
        }
    }
}
