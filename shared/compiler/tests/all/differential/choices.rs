//! Where a generator's choices come from: a seed, or bytes that a fuzzer gives.

/// A stream of choices.
pub enum Choices {
    /// xorshift64.
    Seed(u64),
    /// Bytes in turn; zeros when they are used up, so that every choice is the first one.
    Bytes(std::vec::IntoIter<u8>),
}

impl Choices {
    pub fn seed(seed: u64) -> Choices {
        Choices::Seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        match self {
            Choices::Seed(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
            }
            Choices::Bytes(bytes) => bytes.next().unwrap_or(0).into(),
        }
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// True in `some` of `all` cases.
    pub fn chance(&mut self, some: usize, all: usize) -> bool {
        self.below(all) < some
    }
}
