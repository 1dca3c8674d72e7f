//! Settings get their types: each reader takes one key and says what is wrong with it.

use std::time::Duration;

use chrono_tz::{TZ_VARIANTS, Tz};

use super::nearest::{hint, nearest};
use super::parameter::{Parameter, is_name};
use super::settings::{Settings, wrong_type};
use super::{BUILT_IN_PARAMETERS, Direct, Identity};
use crate::{Error, Result};

pub(super) fn text(settings: &Settings, key: &str) -> Result<String> {
    let setting = settings.get(key)?;
    match setting.value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Some(_) => Err(setting
            .place
            .add_to(Error::config(format!("`{key}` is empty")))),
        None => Err(setting
            .place
            .add_to(wrong_type(key, "text", &setting.value))),
    }
}

pub(super) fn number(settings: &Settings, key: &str, most: u32) -> Result<u32> {
    let setting = settings.get(key)?;
    let number = setting.value.as_integer().ok_or_else(|| {
        setting
            .place
            .add_to(wrong_type(key, "a whole number", &setting.value))
    })?;
    match u32::try_from(number) {
        Ok(number) if number <= most => Ok(number),
        _ => Err(setting.place.add_to(Error::config(format!(
            "`{key}` must lie between 0 and {most}, not be {number}"
        )))),
    }
}

pub(super) fn list(settings: &Settings, key: &str) -> Result<Vec<String>> {
    let setting = settings.get(key)?;
    let wrong = || {
        setting
            .place
            .add_to(wrong_type(key, "a list of text", &setting.value))
    };
    let items = setting.value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| {
            item.as_str()
                .map(|text| text.trim().to_owned())
                .ok_or_else(wrong)
        })
        .collect()
}

/// One of the names in `choices`.
fn choice<T: Copy>(settings: &Settings, key: &str, choices: &[(&str, T)]) -> Result<T> {
    let name = text(settings, key)?;
    let found = choices.iter().find(|(known, _)| *known == name);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let known = choices.iter().map(|(known, _)| *known);
        let place = settings.get(key).map(|setting| setting.place.clone());
        let error = Error::config(format!("`{key}` cannot be \"{name}\"")).hint(hint(
            &name,
            "known values",
            known,
        ));
        place.map_or_else(|e| e, |place| place.add_to(error))
    })
}

pub(super) fn identity(settings: &Settings) -> Result<Identity> {
    choice(
        settings,
        "identity",
        &[Identity::Stitched, Identity::UserId, Identity::Device].map(|i| (i.name(), i)),
    )
}

pub(super) fn direct(settings: &Settings) -> Result<Direct> {
    choice(
        settings,
        "direct",
        &[Direct::Skip, Direct::Include].map(|d| (d.name(), d)),
    )
}

pub(super) fn timezone(settings: &Settings) -> Result<Tz> {
    let name = text(settings, "timezone")?;
    name.parse().map_err(|_| {
        let hint = match nearest(&name, TZ_VARIANTS.iter().map(|tz| tz.name())) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "use an IANA name such as `Europe/Berlin` or `America/New_York`".into(),
        };
        let error = Error::config(format!("\"{name}\" is no time zone")).hint(hint);
        match settings.get("timezone") {
            Ok(setting) => setting.place.add_to(error),
            Err(error) => error,
        }
    })
}

/// A duration of at least one second, in whole seconds.
pub(super) fn duration(settings: &Settings, key: &str) -> Result<Duration> {
    let text = text(settings, key)?;
    let problem = match humantime::parse_duration(&text) {
        Ok(duration) if duration.subsec_nanos() == 0 && duration.as_secs() > 0 => {
            return Ok(duration);
        }
        Ok(_) => "must be one second or more, in whole seconds".to_owned(),
        Err(error) => format!("is no duration: {error}"),
    };
    let error = Error::config(format!("`{key}` = \"{text}\" {problem}"))
        .hint("write it like \"45s\", \"30m\", \"1h 30m\" or \"7d\"");
    Err(settings.get(key)?.place.add_to(error))
}

/// A size in bytes, more than none. `2GB` is 2,000,000,000 bytes, `2GiB` is 2 × 1024³.
pub(super) fn bytes(settings: &Settings, key: &str) -> Result<u64> {
    let text = text(settings, key)?;
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => {
            let error = Error::config(format!("`{key}` = \"{text}\" is no size"))
                .hint("write it like \"512MB\", \"2GB\" or \"4GiB\"");
            Err(settings.get(key)?.place.add_to(error))
        }
    }
}

pub(super) fn conversion_events(settings: &Settings) -> Result<Vec<String>> {
    let key = "conversion_events";
    let mut events = list(settings, key)?;
    events.retain(|event| !event.is_empty());
    if events.is_empty() {
        let error = Error::config(format!("`{key}` names no event"))
            .hint("name at least one, e.g. `conversion_events = [\"purchase\"]`");
        return Err(settings.get(key)?.place.add_to(error));
    }
    Ok(events)
}

/// Hosts, in lower case.
pub(super) fn hosts(settings: &Settings, key: &str) -> Result<Vec<String>> {
    let hosts = list(settings, key)?;
    for host in &hosts {
        if host.is_empty() || host.contains(['/', ':', ' ']) {
            let error = Error::config(format!("`{key}`: \"{host}\" is no host"))
                .hint("write the host alone, without `https://` and path: \"paypal.com\"");
            return Err(settings.get(key)?.place.add_to(error));
        }
    }
    Ok(hosts.iter().map(|host| host.to_lowercase()).collect())
}

pub(super) fn vars(
    settings: &Settings,
) -> Result<std::collections::BTreeMap<String, Parameter>> {
    settings
        .section("vars")
        .map(|(name, setting)| {
            let fail = |error: Error| Err(setting.place.add_to(error));
            if BUILT_IN_PARAMETERS.contains(&name) {
                return fail(
                    Error::config(format!("`vars.{name}` would hide the built-in `${name}`"))
                        .hint("choose another name, or change the setting itself"),
                );
            }
            if !is_name(name) {
                return fail(
                    Error::config(format!("`vars.{name}` cannot be used in SQL")).hint(
                        "a name is made of letters, digits and `_`, and starts with no digit",
                    ),
                );
            }
            match Parameter::from_toml(&setting.value) {
                Ok(parameter) => Ok((name.to_owned(), parameter)),
                Err(expected) => fail(wrong_type(
                    &format!("vars.{name}"),
                    expected,
                    &setting.value,
                )),
            }
        })
        .collect()
}
