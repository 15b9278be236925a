//! Chance that can be repeated: SplitMix64 (Steele, Lea and Flood, 2014) from a seed that is printed.

/// A stream of chance.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True as often as `chance` says.
    pub fn hits(&mut self, chance: f64) -> bool {
        // 53 bits are what a double holds.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 <= chance
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_per_cent_is_two_per_cent_and_repeats() {
        let throw = || {
            let mut dice = Dice::new(7);
            (0..100_000).filter(|_| dice.hits(0.02)).count()
        };
        assert!((1_800..2_200).contains(&throw()), "{}", throw());
        assert_eq!(throw(), throw());
    }
}
