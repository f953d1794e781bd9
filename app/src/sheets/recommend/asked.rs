//! A wish as it stands in the address. What makes no sense is as if it were not there.

use marketplace::money::Rate;
use marketplace::recommend::{Aspect, Need, Task, Weights, Wish};

use crate::sheets::query::Query;

pub fn wish(query: &Query) -> Wish {
    let task = Task::parse(query.text("task")).unwrap_or_default();
    let usual = task.weights();
    // The weights of another task are not those of this one: they are kept with the task they were set for.
    let is_same_task = query.text("for").is_empty() || query.text("for") == task.as_str();
    let weight = |aspect: Aspect| {
        let asked = query.text(aspect.as_str()).parse().ok().filter(|_| is_same_task);
        asked.unwrap_or(usual.of(aspect))
    };
    Wish {
        task,
        weights: Weights::new(Aspect::ALL.map(weight)).unwrap_or(usual),
        max_price: Rate::parse_usd(query.text("max_price")).ok(),
        min_context: query.text("min_context").replace([',', ' '], "").parse().ok(),
        needs: query.all("needs").filter_map(Need::parse).take(20).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Wish {
        wish(&Query::parse(query))
    }

    #[test]
    fn a_wish_is_what_the_address_says() {
        let wish = read("task=coding&price=9&max_price=2.50&min_context=128,000&needs=tools&needs=local");
        assert_eq!((wish.task, wish.weights.of(Aspect::Price)), (Task::Coding, 9));
        assert_eq!(wish.weights.of(Aspect::Quality), Task::Coding.weights().of(Aspect::Quality));
        assert_eq!((wish.max_price, wish.min_context), (Some(Rate(2_500_000_000)), Some(128_000)));
        assert_eq!(wish.needs, [Need::Ability("tools".to_owned()), Need::Local]);
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let odd = "task=%F0%9F%92%B0&price=-1&quality=1e9&max_price=lots&min_context=-5&needs=%3Cb%3E&needs=";
        assert_eq!(read(odd), Wish::of(Task::Chat));
        let zeros: Vec<String> = Aspect::ALL.map(|aspect| format!("{}=0", aspect.as_str())).to_vec();
        assert_eq!(read(&zeros.join("&")).weights, Task::Chat.weights());
    }

    #[test]
    fn another_task_brings_its_own_weights() {
        let wish = read("for=chat&task=coding&price=10");
        assert_eq!(wish.weights, Task::Coding.weights());
        assert_eq!(read("for=coding&task=coding&price=10").weights.of(Aspect::Price), 10);
    }
}
