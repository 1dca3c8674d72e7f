//! The settings that change what the numbers mean, and their `attrib.toml`.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    Stitched,
    UserId,
    Device,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    Skip,
    Include,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub timezone: Tz,
    pub identity: Identity,
    /// Microseconds without an event after which a session without an id ends.
    pub session_timeout: i64,
    pub conversion_events: Vec<String>,
    pub lookback_days: i64,
    pub direct: Direct,
    /// Hosts whose referrals are no source; subdomains count.
    pub ignore_referrers: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timezone: Tz::UTC,
            identity: Identity::Stitched,
            session_timeout: 30 * 60 * 1_000_000,
            conversion_events: vec!["purchase".into()],
            lookback_days: 14,
            direct: Direct::Skip,
            // Those of the default list that the tests use.
            ignore_referrers: vec!["paypal.com".into(), "stripe.com".into()],
        }
    }
}

impl Settings {
    /// The civil date of a time in the settings' zone.
    pub fn date(&self, micros: i64) -> NaiveDate {
        DateTime::from_timestamp_micros(micros)
            .expect("a clean event's time is in range")
            .with_timezone(&self.timezone)
            .date_naive()
    }

    /// `attrib.toml` with the settings that differ from the defaults.
    pub fn to_toml(&self) -> String {
        let default = Self::default();
        let mut lines = Vec::new();
        if self.timezone != default.timezone {
            lines.push(format!("timezone = \"{}\"", self.timezone.name()));
        }
        if self.identity != default.identity {
            let name = if self.identity == Identity::UserId {
                "user_id"
            } else {
                "device"
            };
            lines.push(format!("identity = \"{name}\""));
        }
        if self.session_timeout != default.session_timeout {
            lines.push(format!(
                "session_timeout = \"{}s\"",
                self.session_timeout / 1_000_000
            ));
        }
        if self.conversion_events != default.conversion_events {
            lines.push(format!("conversion_events = {:?}", self.conversion_events));
        }
        if self.lookback_days != default.lookback_days {
            lines.push(format!("lookback_days = {}", self.lookback_days));
        }
        if self.direct != default.direct {
            lines.push("direct = \"include\"".to_owned());
        }
        if self.ignore_referrers != default.ignore_referrers {
            lines.push(format!("ignore_referrers = {:?}", self.ignore_referrers));
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Reads the same few keys back from an `attrib.toml`; any other key fails the test.
    pub fn from_toml(text: &str) -> Self {
        let table: toml::Table = text.parse().expect("attrib.toml is TOML");
        let mut settings = Self::default();
        for (key, value) in &table {
            let text = || value.as_str().expect("a text").to_owned();
            let texts = || -> Vec<String> {
                let values = value.as_array().expect("a list").iter();
                values
                    .map(|value| value.as_str().expect("a text").to_owned())
                    .collect()
            };
            match key.as_str() {
                "timezone" => settings.timezone = text().parse().expect("an IANA zone"),
                "identity" => {
                    settings.identity = match text().as_str() {
                        "stitched" => Identity::Stitched,
                        "user_id" => Identity::UserId,
                        "device" => Identity::Device,
                        other => panic!("identity {other}"),
                    }
                }
                "session_timeout" => {
                    let text = text();
                    let seconds = text.strip_suffix('s').and_then(|text| text.parse().ok());
                    let seconds: i64 = seconds.expect("a timeout such as 600s");
                    settings.session_timeout = seconds * 1_000_000;
                }
                "conversion_events" => settings.conversion_events = texts(),
                "lookback_days" => settings.lookback_days = value.as_integer().expect("days"),
                "direct" => {
                    settings.direct = match text().as_str() {
                        "skip" => Direct::Skip,
                        "include" => Direct::Include,
                        other => panic!("direct {other}"),
                    }
                }
                "ignore_referrers" => settings.ignore_referrers = texts(),
                other => panic!("the reference does not know the setting {other}"),
            }
        }
        settings
    }
}
