//! Ranks by a law of Zipf and Mandelbrot: rank `k` has a weight of `(k + shift)^-1.1`.
//!
//! The exponent makes the inverse of the distribution an integer power: the integral of
//! `x^-1.1` is `-10 x^-0.1`, whose inverse is a tenth power. So a rank takes a handful of
//! multiplications and a division, which are the same on every machine, as `powf` is not.

use super::dice::Dice;

#[derive(Debug, Clone)]
pub struct Zipf {
    len: u32,
    shift: f64,
    /// `shift^-0.1`, and how far it is to `(len + shift)^-0.1`.
    from: f64,
    span: f64,
}

impl Zipf {
    /// Ranks from 0 up to, not including, `len`; the smaller the shift, the heavier the first.
    pub fn new(len: u32, shift: f64) -> Self {
        let from = 1.0 / tenth_root(shift);
        let to = 1.0 / tenth_root(f64::from(len) + shift);
        Self {
            len,
            shift,
            from,
            span: from - to,
        }
    }

    pub fn draw(&self, dice: &mut Dice) -> u32 {
        // 53 bits: as many as a double holds.
        let share = (dice.next() >> 11) as f64 / (1u64 << 53) as f64;
        let rank = 1.0 / tenth_power(self.from - share * self.span) - self.shift;
        (rank as u32).min(self.len - 1)
    }
}

fn tenth_power(base: f64) -> f64 {
    let square = base * base;
    let fourth = square * square;
    fourth * fourth * square
}

/// By halving, which is slow, exact enough and the same everywhere.
fn tenth_root(power: f64) -> f64 {
    let (mut low, mut high) = (0.0, power.max(1.0));
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if tenth_power(middle) < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
