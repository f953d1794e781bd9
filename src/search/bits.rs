//! Sets of models as bits, so that what each choice would leave can be counted anew for every search.

/// Which of so many things are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

const WORD: usize = u64::BITS as usize;

impl Bits {
    pub fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(WORD)])
    }

    pub fn all(size: usize) -> Self {
        Self::of(size, 0..size)
    }

    pub fn of(size: usize, members: impl Iterator<Item = usize>) -> Self {
        let mut bits = Self::none(size);
        for member in members {
            bits.add(member);
        }
        bits
    }

    pub fn add(&mut self, member: usize) {
        if let Some(word) = self.0.get_mut(member / WORD) {
            *word |= 1 << (member % WORD);
        }
    }

    pub fn has(&self, member: usize) -> bool {
        self.0.get(member / WORD).is_some_and(|word| word >> (member % WORD) & 1 == 1)
    }

    pub fn and(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    pub fn or(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many are in both.
    pub fn count_with(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(word, other)| (word & other).count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_counted_across_words() {
        let (even, mut third) = (Bits::of(200, (0..200).step_by(2)), Bits::of(200, (0..200).step_by(3)));
        assert_eq!((even.count(), third.count(), even.count_with(&third)), (100, 67, 34));
        assert!(even.has(198) && !even.has(199) && !even.has(9_999));
        third.or(&even);
        assert_eq!(third.count(), 133);
        third.and(&Bits::none(200));
        assert_eq!((third.count(), Bits::all(65).count(), Bits::all(0).count()), (0, 65, 0));
        third.add(9_999);
        assert_eq!(third.count(), 0);
    }
}
