//! Counts by size, small enough to be kept by the minute: any percentile can be told within a quarter.

/// Ten steps a decade, each about a quarter above the one before.
const STEPS: [u64; 10] = [100, 126, 158, 200, 251, 316, 398, 501, 631, 794];
const DECADES: usize = 4;

/// How many values were of about which size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram([u64; Self::BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; Self::BUCKETS])
    }
}

impl Histogram {
    /// One for what is below the scale, one for what is above it.
    pub const BUCKETS: usize = STEPS.len() * DECADES + 2;
    /// The scale: below and above, sizes are not told apart.
    pub const LOWEST: u64 = 100;
    pub const HIGHEST: u64 = 1_000_000;

    /// `None` for counts of another scale.
    pub fn from_counts(counts: &[i64]) -> Option<Self> {
        let counts: Option<Vec<u64>> = counts.iter().map(|count| u64::try_from(*count).ok()).collect();
        counts?.try_into().ok().map(Self)
    }

    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    pub fn note(&mut self, value: u64) {
        self.0[bucket(value)] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The value that so many per cent of all do not pass, from within the bucket of the true one.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total() * percent.min(100)).div_ceil(100).max(1);
        let mut before = 0;
        for (at, count) in self.0.iter().enumerate() {
            if before + count >= rank {
                let (from, to) = bounds(at);
                // Those in one bucket are taken to lie evenly in it.
                return Some(from + (to - from) * (2 * (rank - before) - 1) / (2 * count));
            }
            before += count;
        }
        None
    }
}

/// Where the bucket begins and ends. The last one has no end, so it is told by its beginning.
fn bounds(bucket: usize) -> (u64, u64) {
    let to = edge(bucket);
    (if bucket == 0 { 0 } else { edge(bucket - 1) }, to)
}

/// The end of a bucket.
fn edge(bucket: usize) -> u64 {
    let bucket = bucket.min(Histogram::BUCKETS - 2);
    let decade = u32::try_from(bucket / STEPS.len()).unwrap_or_default();
    STEPS[bucket % STEPS.len()] * 10_u64.pow(decade)
}

fn bucket(value: u64) -> usize {
    (0..Histogram::BUCKETS - 1).find(|at| value < edge(*at)).unwrap_or(Histogram::BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, told from the values themselves.
    fn sorted_percentile(mut values: Vec<u64>, percent: usize) -> u64 {
        values.sort_unstable();
        let rank = (values.len() * percent).div_ceil(100).max(1);
        values[rank - 1]
    }

    #[test]
    fn buckets_reach_from_one_to_the_next_without_a_gap() {
        assert_eq!((edge(0), edge(Histogram::BUCKETS - 2)), (Histogram::LOWEST, Histogram::HIGHEST));
        for at in 1..Histogram::BUCKETS - 1 {
            let (from, to) = bounds(at);
            assert_eq!((bucket(from), bucket(to - 1), bucket(to)), (at, at, at + 1));
            assert!(from < to && to * 100 <= from * 127, "{from} to {to} is wider than a quarter");
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, Histogram::BUCKETS - 1));
    }

    #[test]
    fn nothing_noted_tells_nothing() {
        assert_eq!(Histogram::default().percentile(50), None);
    }

    #[test]
    fn counts_of_another_scale_are_not_read() {
        assert_eq!(Histogram::from_counts(&[1, 2, 3]), None);
        assert_eq!(Histogram::from_counts(&[-1; Histogram::BUCKETS]), None);
        assert_eq!(Histogram::from_counts(&[0; Histogram::BUCKETS]), Some(Histogram::default()));
    }

    proptest! {
        #[test]
        fn a_percentile_lies_within_a_quarter_of_the_sorted_one(
            values in prop::collection::vec(Histogram::LOWEST..Histogram::HIGHEST, 1..400), percent in 1_usize..=100,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.note(*value));
            let (told, true_one) = (histogram.percentile(percent as u64).unwrap(), sorted_percentile(values, percent));
            prop_assert_eq!(bucket(told), bucket(true_one), "told {} for {}", told, true_one);
            prop_assert!(told * 100 <= true_one * 127 && true_one * 100 <= told * 127, "told {} for {}", told, true_one);
        }

        #[test]
        fn two_together_tell_what_one_of_all_tells(
            some in prop::collection::vec(0_u64..2_000_000, 0..100), others in prop::collection::vec(0_u64..2_000_000, 0..100),
        ) {
            let of = |values: &[u64]| {
                let mut histogram = Histogram::default();
                values.iter().for_each(|value| histogram.note(*value));
                histogram
            };
            let mut together = of(&some);
            together.add(&of(&others));
            prop_assert_eq!(together, of(&[some, others].concat()));
        }
    }
}
