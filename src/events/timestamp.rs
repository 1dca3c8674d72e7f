//! `event_timestamp`: a number of seconds, milliseconds or microseconds since the epoch, told
//! apart by magnitude, or RFC 3339 text with a zone. Nothing is guessed: what fits none of
//! these is rejected with a reason.

use chrono::NaiveDate;

use super::money::Decimal;
use super::reject::{Rejection, reason};
use super::value::{Value, float_text};

/// Seconds since the epoch that are read: 2001-09-09T01:46:40Z …
const FIRST_SECOND: i64 = 1_000_000_000;
/// … up to, and without, 2100-01-01T00:00:00Z.
const END_SECOND: i64 = 4_102_444_800;

/// The unit that a timestamp was found to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
    Rfc3339,
}

impl Unit {
    pub const ALL: [Unit; 4] = [
        Unit::Microseconds,
        Unit::Milliseconds,
        Unit::Seconds,
        Unit::Rfc3339,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Microseconds => "us",
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Rfc3339 => "rfc3339",
        }
    }
}

/// Reads a timestamp: microseconds since the epoch, UTC, and the unit that it was in.
///
/// # Errors
/// `no_timestamp`, `bad_timestamp` (no time, or a local time without a zone) or
/// `timestamp_out_of_range` (not from 2001-09-09 to 2099-12-31 in any unit).
pub fn read(value: Option<&Value<'_>>) -> Result<(i64, Unit), Rejection> {
    let text = match value {
        None | Some(Value::Null) => return Err(missing()),
        Some(Value::Int(int)) => return integer(*int),
        Some(Value::Float(float)) => float_text(*float).into(),
        Some(other) => other.clone().into_text().ok_or_else(missing)?,
    };
    if super::clean::is_null_word(&text) {
        return Err(missing());
    }
    if let Some(decimal) = Decimal::parse(&text) {
        return epoch(decimal, &text);
    }
    let micros = rfc3339(&text)?;
    let range = FIRST_SECOND * 1_000_000..END_SECOND * 1_000_000;
    if !range.contains(&micros) {
        return Err(out_of_range(&text));
    }
    Ok((micros, Unit::Rfc3339))
}

fn missing() -> Rejection {
    Rejection::new(reason::NO_TIMESTAMP, "the event has no timestamp")
}

fn bad(text: &str, why: &str) -> Rejection {
    Rejection::new(reason::BAD_TIMESTAMP, format!("`{}` {why}", shorten(text)))
}

fn out_of_range(text: &str) -> Rejection {
    let why =
        "is no time from 2001-09-09 to 2099-12-31 in seconds, milliseconds or microseconds";
    Rejection::new(
        reason::TIMESTAMP_OUT_OF_RANGE,
        format!("`{}` {why}", shorten(text)),
    )
}

/// Text for a message: at most 60 characters of it.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

fn integer(int: i64) -> Result<(i64, Unit), Rejection> {
    const UNITS: [(i64, Unit); 3] = [
        (1_000_000, Unit::Microseconds),
        (1_000, Unit::Milliseconds),
        (1, Unit::Seconds),
    ];
    for (per_second, unit) in UNITS {
        if (FIRST_SECOND * per_second..END_SECOND * per_second).contains(&int) {
            return Ok((int * (1_000_000 / per_second), unit));
        }
    }
    Err(out_of_range(&int.to_string()))
}

/// A number with a fraction or an exponent: `1607615248.873`, `1.6e15`.
fn epoch(decimal: Decimal, text: &str) -> Result<(i64, Unit), Rejection> {
    let at = |scale| decimal.truncated(scale).and_then(|n| i64::try_from(n).ok());
    let whole = at(0).ok_or_else(|| out_of_range(text))?;
    let (_, unit) = integer(whole).map_err(|_| out_of_range(text))?;
    let scale = match unit {
        Unit::Seconds => 6,
        Unit::Milliseconds => 3,
        Unit::Microseconds | Unit::Rfc3339 => 0,
    };
    let micros = at(scale).ok_or_else(|| out_of_range(text))?;
    Ok((micros, unit))
}

/// `2020-11-01T10:00:00.123Z`, `2020-11-01 10:00:00 UTC`, `2020-11-01 10:00:00.5+02:00`.
/// Digits after the sixth of a fraction are cut off.
fn rfc3339(text: &str) -> Result<i64, Rejection> {
    let not_a_time = || {
        bad(
            text,
            "is no time: give a number since the epoch or RFC 3339",
        )
    };
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0u32, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    let punctuation =
        |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|b| marks.contains(b));

    let date = (|| {
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if !(punctuation(4, b"-") && punctuation(7, b"-")) {
            return None;
        }
        NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)
    })()
    .ok_or_else(not_a_time)?;
    if bytes.len() == 10 {
        return Err(bad(text, "is a date without a time"));
    }
    let (hour, minute) = match (number(11, 13), number(14, 16)) {
        (Some(hour), Some(minute)) if punctuation(10, b"Tt ") && punctuation(13, b":") => {
            (hour, minute)
        }
        _ => return Err(not_a_time()),
    };
    let (mut at, mut second, mut micros) = (16, 0, 0u32);
    if punctuation(16, b":") {
        second = number(17, 19).ok_or_else(not_a_time)?;
        at = 19;
        if punctuation(at, b".,") {
            at += 1;
            let digits = bytes[at..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            if digits == 0 {
                return Err(not_a_time());
            }
            for place in 0..6 {
                let digit = if place < digits {
                    u32::from(bytes[at + place] - b'0')
                } else {
                    0
                };
                micros = micros * 10 + digit;
            }
            at += digits;
        }
    }
    let time = date
        .and_hms_micro_opt(hour, minute, second, micros)
        .ok_or_else(not_a_time)?;
    let zone = text.get(at..).ok_or_else(not_a_time)?.trim_start();
    if zone.is_empty() {
        return Err(bad(
            text,
            "is a local time without a zone: add `Z` or an offset",
        ));
    }
    let offset = offset_seconds(zone).ok_or_else(|| {
        bad(
            text,
            "has a zone that is not read: give `Z` or an offset such as `+02:00`",
        )
    })?;
    Ok(time.and_utc().timestamp_micros() - offset * 1_000_000)
}

/// Seconds east of UTC of `Z`, `UTC`, `GMT`, `+02:00`, `+0200` or `+02`.
fn offset_seconds(zone: &str) -> Option<i64> {
    if ["z", "utc", "gmt"]
        .iter()
        .any(|name| zone.eq_ignore_ascii_case(name))
    {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &zone[1..];
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits, "0"),
        4 => digits.split_at(2),
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<(i64, Unit), &'static str> {
        read(Some(&Value::Text(text.into()))).map_err(|r| r.reason)
    }

    #[test]
    fn units_by_magnitude() {
        let micros = 1_607_615_248_873_729;
        assert_eq!(text("1607615248873729"), Ok((micros, Unit::Microseconds)));
        assert_eq!(text("1607615248873729.0"), Ok((micros, Unit::Microseconds)));
        assert_eq!(
            text("1.607615248873729e15"),
            Ok((micros, Unit::Microseconds))
        );
        assert_eq!(
            text("1607615248873"),
            Ok((1_607_615_248_873_000, Unit::Milliseconds))
        );
        assert_eq!(text("1607615248873.729"), Ok((micros, Unit::Milliseconds)));
        assert_eq!(
            text("1607615248"),
            Ok((1_607_615_248_000_000, Unit::Seconds))
        );
        assert_eq!(text("1607615248.873729"), Ok((micros, Unit::Seconds)));
        assert_eq!(
            read(Some(&Value::Int(micros))),
            Ok((micros, Unit::Microseconds))
        );
        assert_eq!(
            read(Some(&Value::Float(1_607_615_248_873_729.0))),
            Ok((micros, Unit::Microseconds))
        );
    }

    #[test]
    fn bounds_are_exact() {
        assert!(text("1000000000").is_ok());
        assert!(text("4102444799").is_ok());
        for out in [
            "999999999",
            "4102444800",
            "0",
            "-1607615248",
            "20201210",
            "1e18",
            "1e400",
            "1607615248873729000",
            "2100-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
        ] {
            assert_eq!(text(out), Err(reason::TIMESTAMP_OUT_OF_RANGE), "{out}");
        }
    }

    #[test]
    fn texts_with_a_zone() {
        let micros = 1_604_224_800_123_000;
        for time in [
            "2020-11-01T10:00:00.123Z",
            "2020-11-01 10:00:00.123 UTC",
            "2020-11-01t10:00:00.123000z",
            "2020-11-01T12:00:00.123+02:00",
            "2020-11-01 05:00:00.1230009-0500",
            "2020-11-01 10:00:00.123+00",
        ] {
            assert_eq!(text(time), Ok((micros, Unit::Rfc3339)), "{time}");
        }
        assert_eq!(
            text("2020-11-01T10:00Z"),
            Ok((1_604_224_800_000_000, Unit::Rfc3339))
        );
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for wrong in [
            "2020-11-01 10:00:00",
            "2020-11-01",
            "yesterday",
            "2020-13-01T00:00:00Z",
            "2020-11-01T24:00:00Z",
            "2020-11-01T10:00:00 Europe/Berlin",
            "12/10/2020 10:00",
            "2020-11-01T10:00:00.Z",
            "2020-11-01T10:00:00+99:00",
            "2020-11-01T1é:00:00Z",
        ] {
            assert_eq!(text(wrong), Err(reason::BAD_TIMESTAMP), "{wrong}");
        }
        let local = read(Some(&Value::Text("2020-11-01 10:00:00".into())));
        assert!(local.is_err_and(|r| r.detail.contains("without a zone")));
        for none in ["", " ", "null", "NaN"] {
            assert_eq!(text(none), Err(reason::NO_TIMESTAMP));
        }
        assert!(read(None).is_err_and(|r| r.reason == reason::NO_TIMESTAMP));
    }
}
