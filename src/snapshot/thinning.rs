//! Which moments of the past to keep when there are too many.
//!
//! A live server publishes every second, and a thousand publications would not reach back
//! an hour. So the past is thinned: the moment goes whose absence leaves the least gap
//! relative to its age, which keeps moments about evenly spaced on a logarithmic scale
//! (seconds apart within minutes, hours apart within months).

/// The positions to keep of `times`, which ascend, so that at most `most` remain: the first,
/// the newest `recent`, and between them those that matter most.
pub(super) fn thin(times: &[i64], most: usize, recent: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..times.len()).collect();
    while kept.len() > most.max(2) {
        let now = times[times.len() - 1];
        let last = kept.len().saturating_sub(recent.max(1));
        let importance = |i: usize| {
            let gap = times[kept[i + 1]] - times[kept[i - 1]];
            gap as f64 / (now - times[kept[i]]).max(1) as f64
        };
        let candidates = 1..last.max(2);
        let least = candidates.min_by(|a, b| importance(*a).total_cmp(&importance(*b)));
        let Some(least) = least else { break };
        kept.remove(least);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_moments_all_stay() {
        assert_eq!(thin(&[1, 2, 3], 3, 2), [0, 1, 2]);
        assert!(thin(&[], 3, 2).is_empty());
    }

    #[test]
    fn a_day_of_seconds_keeps_its_hours() {
        let mut times: Vec<i64> = Vec::new();
        for second in 0..86_400 {
            times.push(second);
            let kept = thin(&times, 200, 50);
            times = kept.into_iter().map(|i| times[i]).collect();
        }
        assert_eq!(times.len(), 200);
        assert_eq!(times[0], 0);
        assert_eq!(times[150..], (86_350..86_400).collect::<Vec<_>>());
        // For every age there is a moment of about that age.
        for hour in 1..24 {
            let wanted = hour * 3600;
            let age = 86_400 - wanted;
            let nearest = times.iter().map(|t| (t - wanted).abs()).min().unwrap();
            assert!(nearest <= age / 4, "hour {hour}: {nearest} s away");
        }
    }
}
