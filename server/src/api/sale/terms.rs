//! The fields of a request that every dialect has: how the answer is wanted, and the most it may cost.

use engine::{Routing, Run};
use marketplace::chat::Delivery;
use marketplace::fault::Fault;
use marketplace::money::Nanos;
use serde_json::{Map, Value};

use super::dollars::ceiling;

/// What a call may cost, by itself and with those it belongs to, and who may answer it.
#[derive(Debug, Default)]
pub struct Terms {
    pub max_cost: Option<Nanos>,
    pub run: Option<Run>,
    pub routing: Routing,
}

impl Terms {
    pub fn take(body: &mut Map<String, Value>, routing: Routing) -> Result<Self, Fault> {
        Ok(Self { max_cost: dollars(body, "max_cost")?, run: run(body)?, routing })
    }
}

pub fn take_delivery(body: &mut Map<String, Value>) -> Result<Delivery, Fault> {
    match body.remove("stream") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Delivery::Whole),
        Some(Value::Bool(true)) => Ok(Delivery::Streamed),
        Some(_) => Err(Fault::invalid("stream", "must be true or false")),
    }
}

pub fn take_tokens(body: &mut Map<String, Value>, field: &str) -> Result<Option<u64>, Fault> {
    match body.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(tokens) if tokens > 0 => Ok(Some(tokens)),
            _ => Err(Fault::invalid(field, "must be a whole number of at least 1")),
        },
    }
}

/// `run_id` names calls that belong together, `max_run_cost` caps what they may cost in all.
fn run(body: &mut Map<String, Value>) -> Result<Option<Run>, Fault> {
    let cap = dollars(body, "max_run_cost")?;
    match body.remove("run_id") {
        None | Some(Value::Null) if cap.is_some() => Err(Fault::invalid("max_run_cost", "needs a run_id")),
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id))
            if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(Run { id, cap }))
        }
        Some(_) => Err(Fault::invalid("run_id", "must be 1 to 128 visible ASCII characters")),
    }
}

fn dollars(body: &mut Map<String, Value>, field: &str) -> Result<Option<Nanos>, Fault> {
    body.remove(field).filter(|value| !value.is_null()).map(|value| ceiling(field, &value)).transpose()
}
