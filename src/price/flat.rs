//! Prices as they are read: rates side by side with the other fields. Serde's own reading of flattened types would
//! cost the browser ten times the code.

use serde::Deserialize;

use super::{LongContext, OffPeak, Price, Rates, Unit, Window};
use crate::money::Rate;

macro_rules! beside_rates {
    ($($flat:ident is $whole:ident with $($field:ident: $type:ty),*;)*) => { $(
        #[derive(Deserialize)]
        pub(super) struct $flat {
            $($field: $type,)*
            input: Rate,
            output: Rate,
            cached_input: Option<Rate>,
            cache_write: Option<Rate>,
            cache_write_1h: Option<Rate>,
            reasoning: Option<Rate>,
        }

        impl From<$flat> for $whole {
            fn from(flat: $flat) -> Self {
                let rates = Rates {
                    input: flat.input,
                    output: flat.output,
                    cached_input: flat.cached_input,
                    cache_write: flat.cache_write,
                    cache_write_1h: flat.cache_write_1h,
                    reasoning: flat.reasoning,
                };
                Self { rates, $($field: flat.$field),* }
            }
        }
    )* };
}

beside_rates! {
    FlatPrice is Price with long_context: Option<LongContext>, off_peak: Option<OffPeak>, output_unit: Option<Unit>;
    FlatLongContext is LongContext with above_input_tokens: u64;
    FlatOffPeak is OffPeak with windows: Vec<Window>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_it_was_written() {
        let rates = Rates { input: Rate(1), output: Rate(2), reasoning: Some(Rate(3)), ..Rates::default() };
        let window = Window { weekdays: vec![1, 2], from_minute: 3, until_minute: 4 };
        let price = Price {
            rates,
            long_context: Some(LongContext { above_input_tokens: 5, rates }),
            off_peak: Some(OffPeak { windows: vec![window], rates }),
            output_unit: Some(Unit::Picture),
        };
        let written = serde_json::to_string(&price).unwrap();
        assert_eq!(serde_json::from_str::<Price>(&written).unwrap(), price, "{written}");
    }
}
