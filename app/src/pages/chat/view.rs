//! Which conversation the address shows, and when a new address is only the name of the one on screen.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub id: Option<String>,
    /// The model asked for in the address.
    pub model: Option<String>,
    /// The last conversation begun on this page, so that "New chat" after it is a new view.
    after: Option<String>,
}

impl View {
    /// `born` is the conversation that got its address while it was on screen, if any did.
    pub fn next(
        before: Option<&Self>,
        id: Option<String>,
        model: Option<String>,
        born: Option<String>,
    ) -> Self {
        match before {
            Some(before) if before.id.is_none() && before.after != born && id.is_some() && id == born => {
                before.clone()
            }
            _ => Self { id, model, after: born },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Option<String> {
        Some(id.to_owned())
    }

    #[test]
    fn a_conversation_that_gets_its_address_stays_on_screen() {
        let new = View::next(None, None, None, None);
        assert_eq!(View::next(Some(&new), named("a"), None, named("a")), new);
    }

    #[test]
    fn a_new_chat_after_it_is_another_view() {
        let new = View::next(None, None, None, None);
        let named_a = View::next(Some(&new), named("a"), None, named("a"));
        let again = View::next(Some(&named_a), None, None, named("a"));
        assert_ne!(again, new);
        assert_eq!(View::next(Some(&again), named("b"), None, named("b")), again);
    }

    #[test]
    fn going_back_to_it_from_another_reads_it_anew() {
        let other = View::next(None, named("x"), None, named("a"));
        assert_eq!(View::next(Some(&other), named("a"), None, named("a")).id, named("a"));
        let again = View::next(Some(&other), None, None, named("a"));
        assert_eq!(View::next(Some(&again), named("a"), None, named("a")).id, named("a"));
    }
}
