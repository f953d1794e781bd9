//! The way to other pages of a list, however many there are.

use leptos::prelude::*;
use marketplace::search::Search;

use super::PATH;

/// So many pages before and after the one that is shown are a link away, besides the first and the last.
const AROUND: u32 = 2;

#[component]
pub fn Pager(search: Search, page: u32, pages: u32) -> impl IntoView {
    let to = move |page: u32| Search { page: Some(page), ..search.clone() }.address(PATH);
    let mut last = 0;
    let numbers = (1..=pages).filter(|number| is_shown(*number, page, pages)).map(|number| {
        let gap = number > last + 1;
        last = number;
        let current = (number == page).then_some("page");
        view! {
            {gap.then(|| view! { <li aria-hidden="true">"…"</li> })}
            <li><a href=to(number) aria-current=current><span class="visually-hidden">"Page "</span>{number}</a></li>
        }
    });
    let numbers = numbers.collect_view();
    let before = (page > 1).then(|| view! { <a class="button" rel="prev" href=to(page - 1)>"Previous"</a> });
    let after = (page < pages).then(|| view! { <a class="button" rel="next" href=to(page + 1)>"Next"</a> });
    (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of models">
                {before}
                <ol class="num">{numbers}</ol>
                {after}
            </nav>
        }
    })
}

fn is_shown(number: u32, page: u32, pages: u32) -> bool {
    number == 1 || number == pages || number.abs_diff(page) <= AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_pages_only_those_around_are_shown() {
        let shown =
            |page, pages| (1..=pages).filter(|number| is_shown(*number, page, pages)).collect::<Vec<u32>>();
        assert_eq!(shown(1, 1), [1]);
        assert_eq!(shown(2, 5), [1, 2, 3, 4, 5]);
        assert_eq!(shown(200, 417), [1, 198, 199, 200, 201, 202, 417]);
    }
}
