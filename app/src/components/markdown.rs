//! What models write, as safe HTML: finished blocks are rendered once, only the open one again and again.

mod html;
#[cfg(test)]
mod tests;

use leptos::prelude::*;
use pulldown_cmark::{Event, Options, Parser};

use super::Growing;

/// A text that may still grow at its end.
#[component]
pub fn Markdown(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let border = StoredValue::new(0_usize);
    let finished = RwSignal::new(Vec::<String>::new());
    let open = RwSignal::new(text.with_untracked(|text| render(text)));
    Effect::new(move |before: Option<()>| {
        text.track();
        if before.is_none() {
            return;
        }
        text.with(|text| {
            let from = border.get_value().min(text.len());
            let Some(rest) = text.get(from..) else { return };
            let stable = split_stable(rest);
            let (done, rest) = rest.split_at(stable);
            if !done.is_empty() {
                finished.update(|blocks| blocks.push(render(done)));
            }
            border.set_value(from + stable);
            open.set(render(rest));
        });
    });
    let block = move |at: usize| {
        let html = finished.with_untracked(|blocks| blocks.get(at).cloned().unwrap_or_default());
        view! { <div inner_html=html></div> }.into_any()
    };
    view! {
        <div class="markdown">
            <Growing count=Signal::derive(move || finished.with(Vec::len)) item=block />
            <div inner_html=move || open.get()></div>
        </div>
    }
}

/// The HTML of a text. Nothing a model writes reaches it but as escaped text or a checked link.
pub fn render(text: &str) -> String {
    html::write(Parser::new_ext(text, options()))
}

/// How many bytes at the start are blocks that no further text can change.
///
/// Markdown is divided into blocks line by line, so all whole lines before the last block's first are settled.
pub fn split_stable(text: &str) -> usize {
    let whole_lines = text.rfind('\n').map_or(0, |at| at + 1);
    let mut depth = 0_usize;
    let mut last_block = 0;
    for (event, range) in Parser::new_ext(&text[..whole_lines], options()).into_offset_iter() {
        if depth == 0 {
            last_block = range.start;
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    // An indented block is reported from its first letter on; its indentation belongs to it.
    text[..last_block].rfind('\n').map_or(0, |at| at + 1)
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}
