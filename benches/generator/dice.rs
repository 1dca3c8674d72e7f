//! Chance, from a seed: whole numbers only (SplitMix64), so that every machine throws the
//! same.

/// A stream of chance of its own for each thing that is generated.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream)))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        scaled(self.next(), end)
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, odds: u64) -> bool {
        self.below(1000) < odds
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// A number as random as `value` is distinct.
pub fn mix(value: u64) -> u64 {
    scramble(value.wrapping_add(0x9e37_79b9_7f4a_7c15))
}

/// A random number, brought into 0 up to, not including, `end`.
fn scaled(random: u64, end: u64) -> u64 {
    ((u128::from(random) * u128::from(end)) >> 64) as u64
}

fn scramble(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
