//! Paints a shore in the evening or at noon: a sky, a sun, three ranges of hills and the sea, as chance has them.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use crate::simulator::answer::{Dice, seed as seed_of};

const SKY: usize = 120;
const SEA: usize = 100;
const HILLS: usize = 3;
/// Places in the palette.
const SUN_AT: usize = SKY;
const HILLS_AT: usize = SUN_AT + 1;
const SEA_AT: usize = HILLS_AT + HILLS;

type Colour = [f64; 3];

/// A picture in PNG, always the same for the same seed and prompt.
pub fn png(seed: u64, prompt: &str, width: u32, height: u32) -> Result<Vec<u8>, EncodingError> {
    let mut dice = Dice::new(seed ^ seed_of("picture", prompt));
    let palette = palette(&mut dice);
    let scene = Scene::compose(&mut dice, width, height);
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| scene.colour_at(x, y))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

struct Scene {
    horizon: f64,
    height: f64,
    sun: (f64, f64, f64),
    /// The line of each range, one height a column, the farthest first.
    ridges: Vec<Vec<f64>>,
    wave: f64,
}

impl Scene {
    fn compose(dice: &mut Dice, width: u32, height: u32) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        let horizon = height * between(dice, 0.5, 0.7);
        let sun = (
            width * between(dice, 0.15, 0.85),
            horizon * between(dice, 0.2, 0.8),
            width.min(height) * between(dice, 0.05, 0.12),
        );
        let ridges = (0..HILLS).map(|range| ridge(dice, range, horizon, width)).collect();
        Self { horizon, height, sun, ridges, wave: between(dice, 0.02, 0.09) }
    }

    fn colour_at(&self, x: u32, y: u32) -> u8 {
        let (column, across, down) = (x as usize, f64::from(x), f64::from(y));
        if down > self.horizon {
            let depth = (down - self.horizon) / (self.height - self.horizon);
            let wave = (across * self.wave / (0.3 + depth) + down * 0.9).sin() * 0.06;
            return place(SEA_AT, SEA, depth + wave);
        }
        let nearest = (0..HILLS).rev().find(|range| down > self.ridges[*range][column]);
        if let Some(range) = nearest {
            return (HILLS_AT + range) as u8;
        }
        let (sun_x, sun_y, radius) = self.sun;
        if (across - sun_x).hypot(down - sun_y) < radius {
            return SUN_AT as u8;
        }
        place(0, SKY, down / self.horizon)
    }
}

/// Nearer ranges are lower.
fn ridge(dice: &mut Dice, range: usize, horizon: f64, width: f64) -> Vec<f64> {
    let most = horizon * (0.42 - 0.12 * range as f64);
    let waves: Vec<(f64, f64, f64)> = (1..=4)
        .map(|step| {
            (between(dice, 1.0, 3.0) * f64::from(step), between(dice, 0.0, 6.3), 1.0 / f64::from(step))
        })
        .collect();
    let columns = (0..width as usize).map(|column| {
        let at = column as f64 / width;
        let swing: f64 = waves.iter().map(|(pace, start, size)| (at * pace * 6.3 + start).sin() * size).sum();
        horizon - most * (0.55 + swing * 0.2).max(0.02)
    });
    columns.collect()
}

fn palette(dice: &mut Dice) -> Vec<u8> {
    let mut colour = |low: f64, high: f64| -> Colour { [0; 3].map(|_: i32| between(dice, low, high)) };
    let (zenith, glow) = (colour(20.0, 140.0), colour(170.0, 255.0));
    let (near, far) = (colour(10.0, 90.0), colour(90.0, 180.0));
    let deep = colour(5.0, 80.0);
    let mix = |one: Colour, other: Colour, share: f64| -> Colour {
        [0, 1, 2].map(|part| one[part] + (other[part] - one[part]) * share)
    };
    let shades = |from: Colour, to: Colour, count: usize| {
        (0..count).map(move |step| mix(from, to, step as f64 / count as f64))
    };
    let colours = shades(zenith, glow, SKY)
        .chain([[255.0, 244.0, 214.0]])
        .chain(shades(far, near, HILLS))
        .chain(shades(mix(glow, deep, 0.35), deep, SEA));
    colours.flatten().map(|part| part.clamp(0.0, 255.0) as u8).collect()
}

/// The shade that stands so far down a range of them.
fn place(first: usize, count: usize, share: f64) -> u8 {
    let step = (share.clamp(0.0, 1.0) * (count - 1) as f64) as usize;
    (first + step) as u8
}

fn between(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + (high - low) * dice.between(0, 10_000) as f64 / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_size_and_comes_again_with_its_seed() {
        let one = png(7, "a lighthouse", 96, 64).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(&one)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (96, 64));
        assert_eq!(one, png(7, "a lighthouse", 96, 64).unwrap());
        assert_ne!(one, png(8, "a lighthouse", 96, 64).unwrap());
        assert_ne!(one, png(7, "a ship", 96, 64).unwrap());
    }
}
