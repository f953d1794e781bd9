//! The right column: what this answer and this conversation cost, and the limits of the next one.

use leptos::prelude::*;
use marketplace::money::{Nanos, group};
use marketplace::receipt::Settlement;

use super::order::{LONGEST_USUAL, Order};
use super::thread::Thread;
use crate::components::{Field, MeterState};

#[component]
pub fn Inspector(thread: Thread) -> impl IntoView {
    view! {
        <aside id="inspector" class="chat-side chat-inspector" popover="auto" aria-label="Cost and settings">
            <ThisAnswer thread />
            <ThisConversation thread />
            <Settings order=thread.order />
        </aside>
    }
}

#[component]
fn ThisAnswer(thread: Thread) -> impl IntoView {
    let settlement = Memo::new(move |_| thread.answer.with(|answer| answer.settlement));
    let meter = Memo::new(move |_| thread.answer.with(|answer| answer.meter));
    let written = Memo::new(move |_| thread.answer.with(|answer| answer.output_tokens));
    let rows = move || match (settlement.get(), meter.get()) {
        (Some(settlement), _) => view! { <SettledRows settlement /> }.into_any(),
        (None, MeterState::Held { hold }) => {
            view! { <RunningRows written=0 cost=Nanos::ZERO hold /> }.into_any()
        }
        (None, MeterState::Streaming { cost, hold }) => {
            view! { <RunningRows written=written.get() cost hold /> }.into_any()
        }
        _ => view! { <p class="soft small">"Its cost is shown here while it is written."</p> }.into_any(),
    };
    view! { <section><h2>"This answer"</h2>{move || rows()}</section> }
}

#[component]
fn RunningRows(written: u64, cost: Nanos, hold: Nanos) -> impl IntoView {
    view! {
        <dl class="kv">
            <dt>"Written so far"</dt><dd class="num">{group(written)}" tokens"</dd>
            <dt class="total">"You pay"</dt><dd class="num total amber">{cost.cost()}</dd>
            <dt>"Held until it ends"</dt><dd class="num">{hold.cost()}</dd>
        </dl>
    }
}

#[component]
fn SettledRows(settlement: Settlement) -> impl IntoView {
    let Settlement { usage, charge, .. } = settlement;
    view! {
        <dl class="kv">
            <dt>"Read"</dt><dd class="num">{group(usage.input_total())}" tokens"</dd>
            <dt>"Written"</dt><dd class="num">{group(usage.output_total())}" tokens"</dd>
            <dt>"To the provider"</dt><dd class="num">{charge.provider_cost.exact()}</dd>
            <dt>"Fee"</dt><dd class="num">{charge.commission.exact()}</dd>
            <dt class="total">"You paid"</dt><dd class="num total">{charge.charge.exact()}</dd>
            <dt>"Given back"</dt><dd class="num">{settlement.released_nanos.exact()}</dd>
            {(settlement.free_tokens > 0).then(|| view! {
                <dt>"Free tokens taken"</dt><dd class="num">{group(settlement.free_tokens)}</dd>
            }.into_any())}
        </dl>
        <p><a href=format!("/receipts/{}", settlement.id)>"Receipt"</a></p>
    }
}

#[component]
fn ThisConversation(thread: Thread) -> impl IntoView {
    view! {
        <section>
            <h2>"This conversation"</h2>
            <dl class="kv">
                <dt>"Spent"</dt><dd class="num">{move || thread.spent.get().cost()}</dd>
                <dt>"Messages"</dt><dd class="num">{move || thread.turns.with(Vec::len).to_string()}</dd>
            </dl>
        </section>
    }
}

/// The fields belong to the composer's form, wherever they stand.
#[component]
fn Settings(order: Order) -> impl IntoView {
    let take_longest = move |event| {
        order.longest.set(event_target_value(&event).parse().unwrap_or(LONGEST_USUAL).max(1));
    };
    view! {
        <section>
            <h2>"Settings"</h2>
            <div class="stack">
                <Field id="longest" label="Longest answer" hint="In tokens; about three quarters of a word each.">
                    <input
                        id="longest" name="max_output_tokens" type="number" form="composer" min="1" max="1000000" step="1"
                        required autocomplete="off" value=LONGEST_USUAL.to_string() aria-describedby="longest-hint"
                        on:input=take_longest
                    />
                </Field>
                <CapField order />
            </div>
        </section>
    }
}

/// A cap needs the live channel, so the field appears when the page is awake.
#[component]
fn CapField(order: Order) -> impl IntoView {
    let is_wrong = RwSignal::new(false);
    let take = move |event| {
        let text = event_target_value(&event);
        let cap = Nanos::parse_usd(&text).ok().filter(|cap| *cap > Nanos::ZERO);
        is_wrong.set(cap.is_none() && !text.trim().is_empty());
        order.cap.set(cap);
    };
    view! {
        <div class="field scripted">
            <label for="cap">"Cap per message, in dollars"</label>
            <input
                id="cap" inputmode="decimal" autocomplete="off" placeholder="none" aria-describedby="cap-hint cap-error"
                aria-invalid=move || is_wrong.get().to_string() on:input=take
            />
            <span id="cap-hint" class="hint">"The answer is cut short before it costs more."</span>
            <p id="cap-error" class="field-error" aria-live="polite">
                {move || is_wrong.get().then_some("Write dollars, for example 0.05")}
            </p>
        </div>
    }
}
