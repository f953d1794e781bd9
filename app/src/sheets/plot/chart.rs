//! The drawing: both scales logarithmic but for scores, everything in whole units of the picture.

use std::fmt::Write;

use leptos::prelude::*;
use marketplace::model::short_count;
use marketplace::money::Rate;
use marketplace::recommend::log2_thousandths;

use super::Dot;
use marketplace::query::escape;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 420;
const LEFT: u64 = 64;
const RIGHT: u64 = 24;
const TOP: u64 = 16;
const BOTTOM: u64 = 44;

/// What the price is drawn against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    Context,
    Score(String),
}

impl Axis {
    pub fn name(&self) -> String {
        match self {
            Self::Context => "context".to_owned(),
            Self::Score(name) => name.clone(),
        }
    }

    pub fn label(&self) -> String {
        match self {
            Self::Context => "Context, tokens".to_owned(),
            Self::Score(name) => format!("{name}, %"),
        }
    }

    pub fn address(&self) -> String {
        match self {
            Self::Context => "/plot".to_owned(),
            Self::Score(name) => format!("/plot?x={}", escape(name)),
        }
    }

    /// Where a value lies on the scale, before it is fitted to the picture.
    fn place(&self, along: u64) -> u64 {
        match self {
            Self::Context => log2_thousandths(along),
            Self::Score(_) => along,
        }
    }

    fn ticks(&self) -> Vec<(u64, String)> {
        match self {
            Self::Context => [4_000, 16_000, 64_000, 256_000, 1_000_000, 4_000_000]
                .map(|size| (size, short_count(size)))
                .to_vec(),
            Self::Score(_) => (0..=10).map(|tenth| (tenth * 10_000, format!("{}", tenth * 10))).collect(),
        }
    }
}

/// From what to what a scale goes, and on which units of the picture that falls.
struct Scale {
    least: u64,
    most: u64,
    from: u64,
    until: u64,
}

impl Scale {
    /// With a little room at both ends.
    fn of(values: impl Iterator<Item = u64> + Clone, from: u64, until: u64) -> Self {
        let (least, most) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
        let room = (most - least) / 20 + 200;
        Self { least: least.saturating_sub(room), most: most + room, from, until }
    }

    fn fits(&self, value: u64) -> bool {
        (self.least..=self.most).contains(&value)
    }

    fn at(&self, value: u64) -> u64 {
        self.from + (value - self.least) * (self.until - self.from) / (self.most - self.least).max(1)
    }
}

pub fn chart(axis: &Axis, dots: &[Dot]) -> AnyView {
    let price = |rate: Rate| log2_thousandths(rate.0.unsigned_abs());
    let across = Scale::of(dots.iter().map(|dot| axis.place(dot.along)), LEFT, WIDTH - RIGHT);
    let up = Scale::of(dots.iter().map(|dot| price(dot.rate)), BOTTOM, HEIGHT - TOP);
    let mut drawn = String::new();
    frame(&mut drawn, axis, &across, &up);
    let place = |dot: &Dot| (across.at(axis.place(dot.along)), HEIGHT - up.at(price(dot.rate)));
    let edge: Vec<String> = dots
        .iter()
        .filter(|dot| dot.best.is_some())
        .map(|dot| {
            let (x, y) = place(dot);
            format!("{x},{y}")
        })
        .collect();
    // Writing into a string cannot fail.
    let _ = write!(drawn, r#"<polyline class="edge" points="{}"></polyline>"#, edge.join(" "));
    for dot in dots {
        let ((x, y), told) =
            (place(dot), escaped(&format!("{}: {}, {}", dot.name, dot.told, dot.rate.per_million())));
        let class = if dot.best.is_some() { "dot best" } else { "dot" };
        let _ = write!(
            drawn,
            r#"<circle class="{class}" cx="{x}" cy="{y}" r="6"><title>{told}</title></circle>"#
        );
        if let Some(number) = dot.best {
            let _ = write!(drawn, r#"<text class="number" x="{}" y="{}">{number}</text>"#, x + 9, y - 6);
        }
    }
    view! {
        <figure class="plot card">
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") aria-hidden="true" focusable="false" inner_html=drawn></svg>
            <figcaption class="soft">"Lower is cheaper, further right is more. The line joins what nothing beats; the table below tells every dot."</figcaption>
        </figure>
    }
    .into_any()
}

/// Lines and figures of both scales.
fn frame(drawn: &mut String, axis: &Axis, across: &Scale, up: &Scale) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (value, label) in axis.ticks() {
        let place = axis.place(value);
        if across.fits(place) {
            let x = across.at(place);
            let _ = write!(
                drawn,
                r#"<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"></line><text class="tick" x="{x}" y="{}" text-anchor="middle">{label}</text>"#,
                bottom + 18
            );
        }
    }
    for cents in [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000] {
        let rate = Rate(cents * 10_000_000);
        let place = log2_thousandths(rate.0.unsigned_abs());
        if up.fits(place) {
            let y = HEIGHT - up.at(place);
            let label = format!("${}.{:02}", cents / 100, cents % 100);
            let _ = write!(
                drawn,
                r#"<line class="grid" x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}"></line><text class="tick" x="{}" y="{}" text-anchor="end">{label}</text>"#,
                LEFT - 8,
                y + 4
            );
        }
    }
    let _ = write!(
        drawn,
        r#"<text class="tick" x="{right}" y="{}" text-anchor="end">{}</text>"#,
        HEIGHT - 6,
        escaped(&axis.label())
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dot_lies_within_the_picture_even_if_there_is_only_one() {
        let scale = Scale::of([5_u64].into_iter(), LEFT, WIDTH - RIGHT);
        assert!((LEFT..=WIDTH - RIGHT).contains(&scale.at(5)));
        let scale = Scale::of([0_u64, 40_000, u64::from(u32::MAX)].into_iter(), BOTTOM, HEIGHT - TOP);
        for value in [0, 40_000, u64::from(u32::MAX)] {
            assert!((BOTTOM..=HEIGHT - TOP).contains(&scale.at(value)), "{value}");
        }
    }

    #[test]
    fn a_name_in_the_drawing_is_text_and_never_markup() {
        assert_eq!(escaped(r#"<b>"A&B"</b>"#), "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;");
    }
}
