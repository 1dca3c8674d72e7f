//! `civil_date(timestamp, zone)`: the calendar date on which an instant falls in a time
//! zone. Event, session and conversion dates are civil dates in the project's zone (SPEC §1).
//!
//! The zone is a name of the IANA time zone database, whose rules come with the binary (the
//! crate `chrono-tz`), not from the machine: the same event has the same date everywhere.

use std::sync::{Arc, LazyLock};

use arrow::array::{Date32Array, Date32Builder};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::FunctionDoc;
use super::arguments::{Primitive, Text, expect_count, text_type};
use crate::Error;

pub(super) const DOC: FunctionDoc = FunctionDoc {
    name: "civil_date",
    signature: "civil_date(instant timestamp, zone text) -> date",
    description: "The calendar date of an instant in a time zone, given by its IANA name \
                  (`Europe/Berlin`). A timestamp without a zone is taken as UTC. Null where \
                  either is null; an unknown zone is an error.",
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| DOC.documentation());

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(CivilDate {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CivilDate {
    signature: Signature,
}

impl ScalarUDFImpl for CivilDate {
    fn name(&self) -> &str {
        DOC.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        expect_count(DOC.name, given, 2)?;
        let instant = match &given[0] {
            // The zone of a timestamp's type is how it prints; the number is UTC.
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
            other => return plan_err!("civil_date takes a timestamp first, not {other}"),
        };
        Ok(vec![instant, text_type(DOC.name, &given[1])?])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let instants = Primitive::<TimestampMicrosecondType>::new(&arguments.args[0])?;
        let zones = Text::new(&arguments.args[1])?;
        let dates = civil_dates(&instants, &zones, arguments.number_rows)?;
        Ok(ColumnarValue::Array(Arc::new(dates)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn civil_dates(
    instants: &Primitive<TimestampMicrosecondType>,
    zones: &Text,
    rows: usize,
) -> Result<Date32Array> {
    let mut dates = Date32Builder::with_capacity(rows);
    let mut calendar: Option<(String, Calendar)> = None;
    for row in 0..rows {
        let (Some(micros), Some(zone)) = (instants.get(row), zones.get(row)) else {
            dates.append_null();
            continue;
        };
        let current = match &mut calendar {
            Some((name, current)) if name == zone => current,
            other => &mut other.insert((zone.to_string(), Calendar::new(zone)?)).1,
        };
        dates.append_value(current.date(micros)?);
    }
    Ok(dates.finish())
}

/// How many days' offsets are kept.
const SLOTS: usize = 512;

/// The calendar of a zone.
///
/// It looks an offset from UTC up once a UTC day, not once a row: where the offsets at both
/// ends of a day are equal, the one between is the same. (No zone has ever changed its
/// offset and changed it back within one UTC day.)
struct Calendar {
    zone: Tz,
    /// By the day's number modulo [`SLOTS`].
    days: Vec<Option<Day>>,
}

#[derive(Clone, Copy)]
struct Day {
    number: i64,
    /// Seconds east of UTC; none where it changes in the day.
    offset: Option<i64>,
}

impl Calendar {
    fn new(name: &str) -> Result<Self> {
        let zone = name.parse::<Tz>().map_err(|_| unknown_zone(name))?;
        Ok(Calendar {
            zone,
            days: vec![None; if zone == Tz::UTC { 0 } else { SLOTS }],
        })
    }

    /// Days since 1970-01-01 of the date at `micros` since the epoch.
    fn date(&mut self, micros: i64) -> Result<i32> {
        let number = micros.div_euclid(MICROS_PER_DAY);
        if self.zone == Tz::UTC {
            return to_date(number);
        }
        let slot = number.rem_euclid(SLOTS as i64) as usize;
        let day = match self.days[slot] {
            Some(day) if day.number == number => day,
            _ => {
                let start = number * SECONDS_PER_DAY;
                let first = self.offset(start)?;
                let last = self.offset(start + SECONDS_PER_DAY - 1)?;
                let day = Day {
                    number,
                    offset: (first == last).then_some(first),
                };
                self.days[slot] = Some(day);
                day
            }
        };
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let offset = match day.offset {
            Some(offset) => offset,
            None => self.offset(seconds)?,
        };
        to_date((seconds + offset).div_euclid(SECONDS_PER_DAY))
    }

    /// Seconds east of UTC at an instant in seconds since the epoch.
    fn offset(&self, seconds: i64) -> Result<i64> {
        let instant = DateTime::from_timestamp(seconds, 0).ok_or_else(out_of_range)?;
        let offset = self.zone.offset_from_utc_datetime(&instant.naive_utc());
        Ok(offset.fix().local_minus_utc().into())
    }
}

fn to_date(days: i64) -> Result<i32> {
    i32::try_from(days).map_err(|_| out_of_range())
}

fn out_of_range() -> DataFusionError {
    DataFusionError::External(Box::new(Error::input(
        "a timestamp is too far from today to have a calendar date",
    )))
}

fn unknown_zone(name: &str) -> DataFusionError {
    let nearest = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| {
            (
                strsim::jaro_winkler(&name.to_lowercase(), &zone.name().to_lowercase()),
                zone,
            )
        })
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    let error = Error::config(format!("unknown time zone `{name}`"));
    DataFusionError::External(Box::new(match nearest {
        Some((_, zone)) => error.hint(format!("did you mean `{}`?", zone.name())),
        None => error.hint("use a name of the IANA database, such as `Europe/Berlin` or `UTC`"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    fn date(instant: &str, zone: &str) -> String {
        let micros = instant
            .parse::<DateTime<chrono::Utc>>()
            .unwrap()
            .timestamp_micros();
        let days = Calendar::new(zone).unwrap().date(micros).unwrap();
        NaiveDate::from_num_days_from_ce_opt(days + 719_163)
            .unwrap()
            .to_string()
    }

    #[test]
    fn utc_splits_at_midnight() {
        assert_eq!(date("2026-03-01T00:00:00Z", "UTC"), "2026-03-01");
        assert_eq!(date("2026-02-28T23:59:59.999999Z", "UTC"), "2026-02-28");
        assert_eq!(date("1969-12-31T23:59:59.999999Z", "UTC"), "1969-12-31");
    }

    #[test]
    fn a_zone_splits_at_its_own_midnight() {
        assert_eq!(date("2026-01-31T23:00:00Z", "Europe/Berlin"), "2026-02-01");
        assert_eq!(
            date("2026-01-31T22:59:59.999999Z", "Europe/Berlin"),
            "2026-01-31"
        );
        assert_eq!(
            date("2026-07-01T06:59:59Z", "America/Los_Angeles"),
            "2026-06-30"
        );
        assert_eq!(date("2026-07-01T18:15:00Z", "Asia/Kathmandu"), "2026-07-02");
    }

    #[test]
    fn a_clock_change_within_the_day_counts_from_its_instant() {
        // Berlin goes from +01:00 to +02:00 at 01:00 UTC on 2026-03-29.
        assert_eq!(date("2026-03-28T22:59:59Z", "Europe/Berlin"), "2026-03-28");
        assert_eq!(date("2026-03-28T23:00:00Z", "Europe/Berlin"), "2026-03-29");
        assert_eq!(date("2026-03-29T21:59:59Z", "Europe/Berlin"), "2026-03-29");
        assert_eq!(date("2026-03-29T22:00:00Z", "Europe/Berlin"), "2026-03-30");
    }

    #[test]
    fn every_zone_agrees_with_the_plain_way_around_every_change() {
        let plain = |zone: Tz, micros: i64| {
            let instant = DateTime::from_timestamp_micros(micros).unwrap();
            instant.with_timezone(&zone).date_naive().num_days_from_ce() - 719_163
        };
        let mut calendars: Vec<_> = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| Calendar::new(zone.name()).unwrap())
            .collect();
        // Every 7 h 1 min from 2001 on for eleven years, with both sides of each midnight.
        for step in 0..14_000i64 {
            let micros = (978_307_200 + step * 25_260) * MICROS_PER_SECOND;
            let calendar = &mut calendars[step as usize % chrono_tz::TZ_VARIANTS.len()];
            let zone = calendar.zone;
            assert_eq!(
                calendar.date(micros).unwrap(),
                plain(zone, micros),
                "{zone} {micros}"
            );
            let offset = calendar.offset(micros / MICROS_PER_SECOND).unwrap();
            let midnight = micros - micros % MICROS_PER_DAY - offset * MICROS_PER_SECOND;
            for edge in [midnight - 1, midnight] {
                assert_eq!(
                    calendar.date(edge).unwrap(),
                    plain(zone, edge),
                    "{zone} {edge}"
                );
            }
        }
        // St John's changed its clock at one minute past midnight.
        let mut newfoundland = Calendar::new("America/St_Johns").unwrap();
        for second in 1_205_031_600..1_205_038_800 {
            let micros = second * MICROS_PER_SECOND;
            let expected = plain(Tz::America__St_Johns, micros);
            assert_eq!(newfoundland.date(micros).unwrap(), expected);
        }
    }

    #[test]
    fn an_unknown_zone_is_an_error_that_suggests_the_nearest() {
        let DataFusionError::External(error) = Calendar::new("Europe/Berln").err().unwrap()
        else {
            panic!("another error");
        };
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!(error.message(), "unknown time zone `Europe/Berln`");
        assert_eq!(error.hint_text(), Some("did you mean `Europe/Berlin`?"));
    }

    #[test]
    fn null_in_null_out() {
        use arrow::array::{Array, StringArray, TimestampMicrosecondArray};
        let instants = TimestampMicrosecondArray::from(vec![Some(0), None, Some(0), Some(0)]);
        let zones = StringArray::from(vec![Some("UTC"), Some("UTC"), None, Some("Asia/Tokyo")]);
        let dates = civil_dates(
            &Primitive::new(&ColumnarValue::Array(Arc::new(instants))).unwrap(),
            &Text::new(&ColumnarValue::Array(Arc::new(zones))).unwrap(),
            4,
        )
        .unwrap();
        assert_eq!(
            dates.iter().collect::<Vec<_>>(),
            [Some(0), None, None, Some(0)]
        );
        assert_eq!(dates.null_count(), 2);
    }
}
