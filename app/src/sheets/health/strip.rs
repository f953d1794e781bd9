//! Hours side by side: as tall as they are good, and in words for whoever does not see them.

use std::fmt::Write;

use leptos::prelude::*;
use marketplace::health::Slice;

const CELL: u64 = 8;
const BAR: u64 = 6;
const HEIGHT: u64 = 24;

pub fn strip(slices: &[Slice]) -> AnyView {
    let width = CELL * slices.len() as u64;
    view! {
        <svg
            class="strip"
            width=width.to_string()
            height=HEIGHT.to_string()
            viewBox=format!("0 0 {width} {HEIGHT}")
            aria-hidden="true"
            focusable="false"
            inner_html=bars(slices)
        ></svg>
        <span class="visually-hidden">{words(slices)}</span>
    }
    .into_any()
}

/// The share that failed hangs from the top, what was answered stands below it. An hour nobody asked in is a dash.
fn bars(slices: &[Slice]) -> String {
    let mut bars = String::new();
    for (at, slice) in slices.iter().enumerate() {
        let x = CELL * at as u64 + (CELL - BAR) / 2;
        let mut bar = |class: &str, y: u64, height: u64, told: &str| {
            // Writing into a string cannot fail.
            let _ = write!(
                bars,
                r#"<rect class="{class}" x="{x}" y="{y}" width="{BAR}" height="{height}"><title>{told}</title></rect>"#
            );
        };
        let told = hour(slice);
        if slice.attempts == 0 {
            bar("unasked", HEIGHT - 2, 2, &told);
            continue;
        }
        let failed =
            (HEIGHT * slice.failures).div_ceil(slice.attempts).max(if slice.failures > 0 { 4 } else { 0 });
        if failed < HEIGHT {
            bar("answered", failed, HEIGHT - failed, &told);
        }
        if failed > 0 {
            bar("failed", 0, failed.min(HEIGHT), &told);
        }
    }
    bars
}

fn hour(slice: &Slice) -> String {
    let at = slice.from.get(11..16).unwrap_or_default();
    match (slice.attempts, slice.failures) {
        (0, _) => format!("{at} UTC: not asked"),
        (attempts, 0) => format!("{at} UTC: all {attempts} answered"),
        (attempts, failures) => format!("{at} UTC: {failures} of {attempts} failed"),
    }
}

/// The same as a sentence: hours that failed one by one, the others counted.
fn words(slices: &[Slice]) -> String {
    let count = |is_so: fn(&Slice) -> bool| slices.iter().filter(|slice| is_so(slice)).count();
    let unasked = count(|slice| slice.attempts == 0);
    let whole = count(|slice| slice.attempts > 0 && slice.failures == 0);
    let mut said =
        format!("Of {} hours {whole} without a failure, {unasked} in which nobody asked", slices.len());
    for slice in slices.iter().filter(|slice| slice.failures > 0) {
        said.push_str("; ");
        said.push_str(&hour(slice));
    }
    said.push('.');
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(hour: u32, attempts: u64, failures: u64) -> Slice {
        Slice { from: format!("2026-11-25T{hour:02}:00:00Z"), attempts, failures }
    }

    #[test]
    fn the_words_say_what_the_bars_show() {
        let slices = [slice(9, 0, 0), slice(10, 8, 0), slice(11, 40, 2), slice(12, 3, 3)];
        assert_eq!(
            words(&slices),
            "Of 4 hours 1 without a failure, 1 in which nobody asked; 11:00 UTC: 2 of 40 failed; 12:00 UTC: 3 of 3 failed."
        );
        let bars = bars(&slices);
        let count = |class: &str| bars.matches(&format!("class=\"{class}\"")).count();
        assert_eq!((count("unasked"), count("answered"), count("failed")), (1, 2, 2));
    }

    #[test]
    fn a_single_failure_among_many_can_be_seen() {
        assert!(bars(&[slice(9, 1_000, 1)]).contains(r#"class="failed" x="1" y="0" width="6" height="4""#));
    }
}
