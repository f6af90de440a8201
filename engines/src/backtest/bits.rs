//! A bit for every bar, so that the next bar with a signal is found 64 bars at a time.

/// A fixed number of bits, all clear at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
    len: usize,
}

impl BitSet {
    /// As many bits as `bit` is asked about.
    pub fn from_fn(len: usize, mut bit: impl FnMut(usize) -> bool) -> Self {
        let mut words = vec![0; len.div_ceil(64)];
        for (w, word) in words.iter_mut().enumerate() {
            let start = w * 64;
            for i in start..len.min(start + 64) {
                *word |= u64::from(bit(i)) << (i - start);
            }
        }
        Self { words, len }
    }

    /// The first set bit at `from` or after, before `end`.
    #[must_use]
    #[inline]
    pub fn next(&self, from: usize, end: usize) -> Option<usize> {
        if from >= end {
            return None;
        }
        let mut w = from / 64;
        let mut word = *self.words.get(w)? & (u64::MAX << (from % 64));
        loop {
            if word != 0 {
                let found = w * 64 + word.trailing_zeros() as usize;
                return (found < end).then_some(found);
            }
            w += 1;
            if w * 64 >= end {
                return None;
            }
            word = *self.words.get(w)?;
        }
    }

    /// Whether a bit is set.
    #[must_use]
    pub fn get(&self, i: usize) -> bool {
        i < self.len && self.words[i / 64] >> (i % 64) & 1 == 1
    }

    /// Bits set in both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
        self
    }

    /// Bits set in either.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
        self
    }

    /// Bits set here become clear and clear ones set.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        let rest = self.len % 64;
        if let Some(last) = self.words.last_mut().filter(|_| rest > 0) {
            *last &= (1 << rest) - 1;
        }
        self
    }
}

/// For every bar the next one with a signal, so that it takes one look. Where a set is asked often enough, it pays to fill
/// it in; it has 32 times the size.
#[derive(Debug, Default)]
pub struct NextBars {
    next: Vec<u32>,
}

impl NextBars {
    /// Of another set, in the place of this one.
    pub fn fill(&mut self, set: &BitSet) {
        self.next.clear();
        self.next.resize(set.len + 1, set.len as u32);
        let mut next = set.len;
        for (w, (word, slots)) in set.words.iter().zip(self.next[..set.len].chunks_mut(64)).enumerate().rev() {
            for (bit, slot) in slots.iter_mut().enumerate().rev() {
                next = if word >> bit & 1 == 1 { w * 64 + bit } else { next };
                *slot = next as u32;
            }
        }
    }
}

/// Bars with a signal, in order.
pub trait Signal {
    /// The first one at `from` or after, before `end`.
    fn next(&self, from: usize, end: usize) -> Option<usize>;
}

impl Signal for BitSet {
    #[inline]
    fn next(&self, from: usize, end: usize) -> Option<usize> {
        Self::next(self, from, end)
    }
}

impl Signal for NextBars {
    #[inline]
    fn next(&self, from: usize, end: usize) -> Option<usize> {
        let found = *self.next.get(from)? as usize;
        (found < end).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_do_what_a_list_of_booleans_would(
            bits in proptest::collection::vec(any::<bool>(), 0..300),
            from in 0..320_usize,
            end in 0..320_usize,
        ) {
            let set = BitSet::from_fn(bits.len(), |i| bits[i]);
            let end = end.min(bits.len());
            let expected = (from..end).find(|&i| bits[i]);
            prop_assert_eq!(set.next(from, end), expected);
            let mut table = NextBars::default();
            table.fill(&BitSet::from_fn(7, |_| true));
            table.fill(&set);
            prop_assert_eq!(Signal::next(&table, from, end), expected);
            let inverse = set.clone().inverted();
            for (i, &bit) in bits.iter().enumerate() {
                prop_assert_eq!((set.get(i), inverse.get(i)), (bit, !bit));
            }
            prop_assert_eq!(set.clone().and(&inverse).next(0, bits.len()), None);
            prop_assert_eq!(set.or(&inverse), BitSet::from_fn(bits.len(), |_| true));
        }
    }
}
