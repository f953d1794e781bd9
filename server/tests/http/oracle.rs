//! What a call must cost, worked out a second time: from the words of PRODUCT.md, in whole numbers, without our crates.

use serde_json::Value;

/// The published prices of a model in nano-dollars per million tokens, read from the catalogue by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    pub input: i128,
    pub cached_input: i128,
    pub output: i128,
    pub reasoning: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    pub provider_cost: i64,
    pub commission: i64,
    pub charge: i64,
}

/// Tokens, each counted in exactly one field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub input: i128,
    pub cached_input: i128,
    pub output: i128,
    pub reasoning: i128,
}

impl Prices {
    pub fn of(model: &str) -> Self {
        let catalogue = include_str!("../../../catalogue.toml");
        let stanza =
            catalogue.split("[[model]]").find(|stanza| stanza.contains(&format!("\nid = \"{model}\"\n")));
        let stanza = stanza.unwrap_or_else(|| panic!("{model} is not in the catalogue"));
        let line = stanza.lines().find_map(|line| line.strip_prefix("price = ")).unwrap();
        let price = |name: &str| {
            let rest = line.split([' ', '{', ',']).skip_while(|word| *word != name).nth(2)?;
            Some(nanos(rest.trim_matches('"')))
        };
        if let Some(each) = price("picture") {
            // Output is counted in pictures, and priced by the million of them.
            let output = each * 1_000_000;
            return Self { input: 0, cached_input: 0, output, reasoning: output };
        }
        let (input, output) = (price("input").unwrap(), price("output").unwrap());
        Self {
            input,
            cached_input: price("cached_input").unwrap_or(input),
            output,
            reasoning: price("reasoning").unwrap_or(output),
        }
    }

    /// `cost = ceil(Σ tokens × price / 10⁶)` and `charge = ceil(cost × 10⁴ / (10⁴ − bps))`.
    pub fn bill(&self, used: &Used, take_bps: i128) -> Bill {
        let weight = used.input * self.input
            + used.cached_input * self.cached_input
            + used.output * self.output
            + used.reasoning * self.reasoning;
        let cost = ceil(weight, 1_000_000);
        let charge = ceil(cost * 10_000, 10_000 - take_bps);
        let whole = |amount: i128| i64::try_from(amount).unwrap();
        Bill { provider_cost: whole(cost), commission: whole(charge - cost), charge: whole(charge) }
    }
}

impl Used {
    /// The vendor's own report, in the shape its dialect gives it.
    pub fn reported(usage: &Value) -> Self {
        let count = |pointer: &str| i128::from(usage.pointer(pointer).and_then(Value::as_i64).unwrap_or(0));
        if usage.get("prompt_tokens").is_some() {
            let cached_input = count("/prompt_tokens_details/cached_tokens");
            let reasoning = count("/completion_tokens_details/reasoning_tokens");
            return Self {
                input: count("/prompt_tokens") - cached_input,
                cached_input,
                output: count("/completion_tokens") - reasoning,
                reasoning,
            };
        }
        // Anthropic counts what was cached beside the rest, and thinking as output.
        Self {
            input: count("/input_tokens"),
            cached_input: count("/cache_read_input_tokens"),
            output: count("/output_tokens"),
            reasoning: 0,
        }
    }

    /// What a receipt says was used.
    pub fn on_receipt(receipt: &Value) -> Self {
        let count = |name: &str| i128::from(receipt["usage"][name].as_i64().unwrap());
        assert_eq!((count("cache_write"), count("cache_write_1h")), (0, 0), "the simulator writes no cache");
        Self {
            input: count("input"),
            cached_input: count("cached_input"),
            output: count("output"),
            reasoning: count("reasoning"),
        }
    }

    /// The same with reasoning as part of the output, which is how it is priced where it has no price of its own.
    pub fn merged(self) -> Self {
        Self { output: self.output + self.reasoning, reasoning: 0, ..self }
    }
}

/// Dollars as decimal text, in nano-dollars.
fn nanos(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<9}").parse().unwrap()
}

fn ceil(value: i128, by: i128) -> i128 {
    (value + by - 1) / by
}

#[test]
fn the_oracle_reads_prices_and_rounds_up() {
    let mini = Prices::of("openai/gpt-5-mini");
    let expected = Prices {
        input: 250_000_000,
        cached_input: 25_000_000,
        output: 2_000_000_000,
        reasoning: 2_000_000_000,
    };
    assert_eq!(mini, expected);
    // 1,234 × 0.25 + 567 × 2 = 1,442.5 millionths of a dollar; 0.7 of the charge must cover it.
    let used = Used { input: 1_234, output: 567, ..Used::default() };
    let bill = mini.bill(&used, 3_000);
    assert_eq!(bill, Bill { provider_cost: 1_442_500, commission: 618_215, charge: 2_060_715 });
}
