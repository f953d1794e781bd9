//! The two sums of a receipt: what the call cost, and what became of the money held for it.

use leptos::prelude::*;
use marketplace::money::{Nanos, group};
use marketplace::price::{TakeRate, cost_of};
use marketplace::receipt::{Line, PICTURES, Receipt};

#[component]
pub fn LineTable(receipt: Receipt) -> impl IntoView {
    let (cost, commission, charge) =
        (receipt.provider_cost_nanos, receipt.commission_nanos, receipt.charge_nanos);
    let rounding = cost - receipt.lines.iter().map(|line| line.cost_nanos).sum();
    let adds_up = cost.checked_add(commission) == Some(charge);
    let free_tokens = receipt.free_tokens;
    let lines = if receipt.lines.is_empty() {
        view! { <tr><td colspan="4" class="soft">"No tokens were billed."</td></tr> }.into_any()
    } else {
        receipt.lines.into_iter().map(|line| view! { <LineRow line /> }).collect_view().into_any()
    };
    view! {
        <div class="table-wrap" role="group" aria-label="Cost" tabindex="0">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Component"</th>
                        <th scope="col" class="num">"Tokens"</th>
                        <th scope="col" class="num">"Price / M"</th>
                        <th scope="col" class="num">"Cost"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
                <tfoot>
                    {(rounding != Nanos::ZERO).then(|| view! {
                        <SumRow label="Rounded once, from the exact sum" amount=rounding />
                    })}
                    <SumRow label="Provider's cost" amount=cost />
                    <SumRow label=format!("Commission, {} of the charge", percent(receipt.commission_bps)) amount=commission />
                    <SumRow label="Charge" amount=charge total=true />
                </tfoot>
            </table>
        </div>
        <p class="check">
            {(free_tokens == 0).then(|| view! {
                <span class="num">{cost.exact()}" + "{commission.exact()}" = "{charge.exact()}</span>
            })}
            " "
            {if free_tokens > 0 {
                let words = format!("{} free tokens instead of money ✓", group(free_tokens));
                view! { <span class="chip good">{words}</span> }.into_any()
            } else if adds_up {
                view! { <span class="chip good">"cost + commission = charge ✓"</span> }.into_any()
            } else {
                view! { <span class="chip bad">"cost + commission ≠ charge ✗"</span> }.into_any()
            }}
        </p>
    }
}

#[component]
fn LineRow(line: Line) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{component(&line.component)}</th>
            <td class="num">{group(line.tokens)}</td>
            <td class="num">{rate(&line)}</td>
            <td class="num">{line.cost_nanos.exact()}</td>
        </tr>
    }
}

#[component]
fn SumRow(#[prop(into)] label: String, amount: Nanos, #[prop(optional)] total: bool) -> impl IntoView {
    view! {
        <tr class:total=total>
            <th scope="row" colspan="3">{label}</th>
            <td class="num">{amount.exact()}</td>
        </tr>
    }
}

#[component]
pub fn HoldTable(receipt: Receipt) -> impl IntoView {
    let paid = receipt.charge_nanos - receipt.overrun_nanos;
    view! {
        <dl class="kv">
            <dt>"Held before the call"</dt><dd class="num">{receipt.hold_nanos.exact()}</dd>
            <dt>"Given back"</dt><dd class="num">{receipt.released_nanos.exact()}</dd>
            {(receipt.overrun_nanos != Nanos::ZERO).then(|| view! {
                <dt>"Beyond the hold, paid by the house"</dt><dd class="num">{receipt.overrun_nanos.exact()}</dd>
            })}
            <dt class="total">"You paid"</dt><dd class="total num">{paid.exact()}</dd>
        </dl>
    }
}

/// The price of a million tokens, or of one picture.
fn rate(line: &Line) -> String {
    match line.component.as_str() {
        PICTURES => cost_of(1, line.price_nanos_per_mtok).cost(),
        _ => line.price_nanos_per_mtok.per_million(),
    }
}

fn component(name: &str) -> String {
    match name {
        "input" => "Input".to_owned(),
        "cached_input" => "Input from the cache".to_owned(),
        "cache_write" => "Written to the cache".to_owned(),
        "cache_write_1h" => "Written to the cache for an hour".to_owned(),
        "output" => "Output".to_owned(),
        "reasoning" => "Reasoning".to_owned(),
        PICTURES => "Pictures".to_owned(),
        other => other.replace('_', " "),
    }
}

/// `3000` basis points as `30 %`, `2950` as `29.5 %`.
fn percent(TakeRate(bps): TakeRate) -> String {
    let text = format!("{}.{:02}", bps / 100, bps % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basis_points_are_read_as_percent() {
        assert_eq!(percent(TakeRate::STANDARD), "30 %");
        assert_eq!(percent(TakeRate(2_950)), "29.5 %");
    }
}
