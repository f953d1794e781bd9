//! What an answer cost, beside the tokens it was made of: the same in every dialect.

use marketplace::receipt::Settlement;
use serde_json::{Value, json};

use crate::api::models::number;

/// Adds the cost to a report of usage; the charge is durable when this is written.
pub fn with_cost(mut usage: Value, settlement: &Settlement) -> Value {
    let charge = &settlement.charge;
    // Of each hold the buyer gets back what was not paid, so this is what they paid.
    let paid = settlement.hold_nanos - settlement.released_nanos;
    usage["cost"] = number(paid);
    usage["cost_details"] = json!({
        "charge_nanos": charge.charge.0.to_string(),
        "provider_cost_nanos": charge.provider_cost.0.to_string(),
        "commission_nanos": charge.commission.0.to_string(),
        "commission_bps": settlement.take,
        "hold_nanos": settlement.hold_nanos.0.to_string(),
        "released_nanos": settlement.released_nanos.0.to_string(),
        "usage_source": settlement.usage_source,
        "price_version": settlement.price_version,
        "currency": "USD",
    });
    usage["balance_after"] = json!(settlement.available_nanos.decimal());
    usage
}
