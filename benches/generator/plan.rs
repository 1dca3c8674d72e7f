//! How many rows each day has.

pub const MICROS_PER_DAY: i64 = 86_400_000_000;

/// By the day of the week, Thursday first, as the epoch began.
const WEEK: [u64; 7] = [97, 92, 88, 108, 106, 104, 100];

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    /// Rows of all days but the one after them.
    pub events: u64,
    pub days: u32,
    /// Days since the epoch.
    pub first_day: i64,
}

impl Plan {
    /// Days since the epoch of a day, counted from 0.
    pub fn date(&self, index: u32) -> i64 {
        self.first_day + i64::from(index)
    }

    /// Its first microsecond, UTC.
    pub fn start(&self, index: u32) -> i64 {
        self.date(index) * MICROS_PER_DAY
    }

    /// Its rows; they add up to `events`. The day after the last has as many as a mean day.
    pub fn rows(&self, index: u32) -> u64 {
        if index >= self.days {
            return self.events / u64::from(self.days);
        }
        let total = u128::from(self.weight_before(self.days));
        let share = |index| {
            let weight = u128::from(self.weight_before(index));
            (u128::from(self.events) * weight / total) as u64
        };
        share(index + 1) - share(index)
    }

    /// The day that has late events: ten days before the last, if there is one.
    pub fn late_day(&self) -> u32 {
        self.days.saturating_sub(11)
    }

    fn weight_before(&self, index: u32) -> u64 {
        (0..index)
            .map(|index| WEEK[self.date(index).rem_euclid(7) as usize])
            .sum()
    }
}
