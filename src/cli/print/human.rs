//! Numbers the way people read them: `1,234`, `1.2 GB`, `2 min 5 s`, `3 rows`.

use chrono::{NaiveDate, TimeDelta};

/// A count with thousands separators.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 row`, `2,000 rows`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A size in decimal units, as disks are sold: `999 B`, `1.2 GB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 and more would round to four digits.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 10.0 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A duration given in seconds: `40 ms`, `1.25 s`, `12.3 s`, `2 min 5 s`, `1 h 4 min`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 0.0995 {
        format!("{:.0} ms", seconds.max(0.0) * 1000.0)
    } else if seconds < 9.995 {
        format!("{seconds:.2} s")
    } else if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        let (hours, minutes) = (whole / 3600, whole % 3600 / 60);
        if hours > 0 {
            format!("{hours} h {minutes} min")
        } else {
            format!("{minutes} min {} s", whole % 60)
        }
    }
}

/// How long ago something was, roughly: `just now`, `5 minutes ago`, `3 days ago`.
pub fn ago(age: TimeDelta) -> String {
    let (number, noun) = match age.num_seconds() {
        ..60 => return "just now".to_owned(),
        seconds @ 60..3600 => (seconds / 60, "minute"),
        seconds @ 3600..86_400 => (seconds / 3600, "hour"),
        seconds => (seconds / 86_400, "day"),
    };
    format!("{} ago", counted(number.unsigned_abs(), noun))
}

/// Days as the stretches that they form: `2020-11-01 to 2020-11-30, 2020-12-05`, at most
/// `most` of them. The days are in ascending order.
pub fn days(days: &[NaiveDate], most: usize) -> String {
    let mut stretches: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for &day in days {
        match stretches.last_mut() {
            Some((_, last)) if *last == day || last.succ_opt() == Some(day) => *last = day,
            _ => stretches.push((day, day)),
        }
    }
    let mut texts: Vec<String> = stretches
        .iter()
        .take(most)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first} to {last}")
            }
        })
        .collect();
    if stretches.len() > most
        && let Some((_, last)) = stretches.last()
    {
        texts.push(format!("… {last}"));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
    }

    #[test]
    fn sizes_keep_two_or_three_digits() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 kB");
        assert_eq!(bytes(12_345_678), "12 MB");
        assert_eq!(bytes(999_960_000), "1.0 GB");
        assert_eq!(bytes(u64::MAX), "18447 PB");
    }

    #[test]
    fn durations_change_unit_as_they_grow() {
        assert_eq!(seconds(0.0401), "40 ms");
        assert_eq!(seconds(1.254), "1.25 s");
        assert_eq!(seconds(12.34), "12.3 s");
        assert_eq!(seconds(125.0), "2 min 5 s");
        assert_eq!(seconds(3840.0), "1 h 4 min");
    }

    #[test]
    fn ages_are_rough() {
        assert_eq!(ago(TimeDelta::seconds(-5)), "just now");
        assert_eq!(ago(TimeDelta::seconds(61)), "1 minute ago");
        assert_eq!(ago(TimeDelta::days(3)), "3 days ago");
    }

    #[test]
    fn days_in_a_row_are_one_stretch() {
        let day = |d| NaiveDate::from_ymd_opt(2020, 11, d).unwrap();
        assert_eq!(days(&[], 3), "");
        assert_eq!(
            days(&[day(1), day(2), day(3), day(5)], 3),
            "2020-11-01 to 2020-11-03, 2020-11-05"
        );
        assert_eq!(
            days(&[day(1), day(3), day(5), day(7)], 2),
            "2020-11-01, 2020-11-03, … 2020-11-07"
        );
    }
}
