//! A small deterministic generator (SplitMix64): the same seed gives the same tenant everywhere.

/// The state is the whole of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Starts from `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound` (which must not be 0).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from((self.next() >> 32) as u32) * u64::from(bound)) >> 32) as u32
    }

    /// One of `items`.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(u32::try_from(items.len()).unwrap_or(1).max(1)) as usize)
    }
}

/// A bijection that scatters its input.
pub(crate) fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A 64-bit hash of bytes, for identities inside the tenant (nothing secret hangs on it).
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for b in bytes {
        state = (state ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(state)
}
