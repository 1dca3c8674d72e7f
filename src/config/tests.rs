//! How the layers go over each other, and what a wrong setting is told.

use super::*;

fn load_toml(text: &str) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
    Config::load(Some(folder.path()), [], &[])
}

fn load_with(env: &[(&str, &str)], overrides: &[(&str, &str)]) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect::<Vec<_>>()
    };
    Config::load(Some(folder.path()), pairs(env), &pairs(overrides))
}

fn place(error: &Error, key: &str) -> Option<String> {
    error
        .context()
        .iter()
        .find(|(k, _)| *k == key)
        .map(|(_, v)| v.clone())
}

#[test]
fn the_defaults_are_complete() {
    let config = load_toml("").unwrap();
    assert_eq!(config.timezone, chrono_tz::UTC);
    assert_eq!(config.identity, Identity::Stitched);
    assert_eq!(config.session_timeout, Duration::from_secs(1800));
    assert_eq!(config.conversion_events, ["purchase"]);
    assert_eq!(config.lookback_days, 14);
    assert_eq!(config.direct, Direct::Skip);
    assert!(
        config
            .ignore_referrers
            .iter()
            .any(|host| host == "paypal.com")
    );
    assert_eq!(config.memory_limit, 2_000_000_000);
    assert_eq!(config.snapshot.retention, Duration::from_secs(7 * 86_400));
    assert!(config.thread_count() >= 1);
    assert!(config.fields.is_empty() && config.vars.is_empty());
    assert!(config.snapshot_location().ends_with("/.attrib"));
    assert!(config.models_dir().ends_with("queries"));
}

#[test]
fn the_file_to_start_from_changes_nothing() {
    let commented = commented_defaults();
    let mut from = load_toml(&commented).unwrap();
    let defaults = load_toml("").unwrap();
    from.root = defaults.root.clone();
    from.file = defaults.file.clone();
    assert_eq!(from, defaults);
    for (line, default) in commented.lines().zip(DEFAULT_TOML.lines()) {
        assert!(
            line == default || line.strip_prefix('#') == Some(default),
            "{line}"
        );
    }
    assert!(commented.contains("\n#timezone = \"UTC\"\n"));
}

#[test]
fn a_project_is_found_from_below() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(walk_up(&below), None);
    std::fs::write(folder.path().join(FILE_NAME), "").unwrap();
    assert_eq!(walk_up(&below), Some(folder.path()));
}

#[test]
fn layers_go_over_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let text = "timezone = \"Europe/Berlin\"\nlookback_days = 7\n[snapshot]\npath = \"a\"\n";
    std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
    let env = [
        ("ATTRIB_LOOKBACK_DAYS", "30"),
        ("ATTRIB_SNAPSHOT_PATH", "s3://b/c"),
        ("X", "y"),
    ]
    .map(|(k, v)| (k.to_string(), v.to_string()));
    let overrides = [("lookback_days".to_string(), "60".to_string())];
    let config = Config::load(Some(folder.path()), env, &overrides).unwrap();
    assert_eq!(config.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(config.lookback_days, 60);
    assert_eq!(config.snapshot_location(), "s3://b/c");
    assert_eq!(config.snapshot.retention, Duration::from_secs(7 * 86_400));
}

#[test]
fn parameters_have_types() {
    let config = load_toml(
        "session_timeout = \"1h\"\n[vars]\ndiscount = 0.5\nlimit = 3\nbrand = \"x\"\n\
         flags = [\"a\"]\nfrom = 2026-01-31\nis_on = true\n",
    )
    .unwrap();
    let parameters = config.parameters();
    assert_eq!(parameters["session_timeout_seconds"], Parameter::Int(3600));
    assert_eq!(parameters["timezone"], Parameter::Text("UTC".into()));
    assert_eq!(
        parameters["conversion_events"],
        Parameter::List(vec!["purchase".into()])
    );
    assert_eq!(parameters["discount"], Parameter::Float(0.5));
    assert_eq!(parameters["limit"], Parameter::Int(3));
    assert_eq!(parameters["from"], Parameter::Text("2026-01-31".into()));
    assert_eq!(parameters["is_on"], Parameter::Bool(true));
    for name in BUILT_IN_PARAMETERS {
        assert!(parameters.contains_key(*name), "{name}");
    }
}

#[test]
fn vars_come_from_the_environment_and_flags_too() {
    let config = load_with(
        &[
            ("ATTRIB_VARS_LIMIT", "5"),
            ("ATTRIB_CONVERSION_EVENTS", "purchase, sign_up"),
        ],
        &[
            ("vars.brand", "Acme Inc"),
            ("ignore_referrers", "[\"A.com\"]"),
        ],
    )
    .unwrap();
    assert_eq!(config.vars["limit"], Parameter::Int(5));
    assert_eq!(config.vars["brand"], Parameter::Text("Acme Inc".into()));
    assert_eq!(config.conversion_events, ["purchase", "sign_up"]);
    assert_eq!(config.ignore_referrers, ["a.com"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest() {
    let error = load_toml("lookback_days = 7\n  timezon = \"UTC\"\n").unwrap_err();
    assert_eq!(error.message(), "unknown key `timezon`");
    assert_eq!(error.hint_text(), Some("did you mean `timezone`?"));
    assert_eq!(place(&error, "line").as_deref(), Some("2"));
    assert_eq!(place(&error, "column").as_deref(), Some("3"));
    assert!(place(&error, "file").unwrap().ends_with("attrib.toml"));

    let error = load_toml("[snapshot]\npaht = \"x\"\n").unwrap_err();
    assert_eq!(error.message(), "unknown key `snapshot.paht`");
    assert_eq!(error.hint_text(), Some("did you mean `snapshot.path`?"));

    let error = load_toml("[snapshots]\npath = \"x\"\n").unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `snapshot`?"));

    let error = load_with(&[("ATTRIB_TIMEZON", "UTC")], &[]).unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `ATTRIB_TIMEZONE`?"));
    for name in ["ATTRIB_LOG", "ATTRIB_PROJECT", "ATTRIB_SNAPSHOT"] {
        assert!(load_with(&[(name, "x")], &[]).is_ok(), "{name}");
    }

    let error = load_with(&[], &[("lookback_day", "3")]).unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `lookback_days`?"));
}

#[test]
fn a_wrong_value_is_refused_with_its_place() {
    let error = load_toml("\nlookback_days = \"7\"\n").unwrap_err();
    assert_eq!(
        error.message(),
        "`lookback_days` must be a whole number, not the text \"7\""
    );
    assert_eq!(place(&error, "line").as_deref(), Some("2"));
    assert_eq!(place(&error, "column").as_deref(), Some("17"));

    let error = load_with(&[("ATTRIB_LOOKBACK_DAYS", "week")], &[]).unwrap_err();
    assert_eq!(
        place(&error, "variable").as_deref(),
        Some("ATTRIB_LOOKBACK_DAYS")
    );

    let message = |text: &str| load_toml(text).unwrap_err().message().to_owned();
    assert_eq!(
        message("lookback_days = -1"),
        "`lookback_days` must lie between 0 and 36500, not be -1"
    );
    assert_eq!(
        message("identity = \"users\""),
        "`identity` cannot be \"users\""
    );
    assert_eq!(
        message("conversion_events = []"),
        "`conversion_events` names no event"
    );
    assert_eq!(
        message("conversion_events = \"purchase\""),
        "`conversion_events` must be a list of text, not the text \"purchase\""
    );
    assert!(
        message("session_timeout = \"soon\"")
            .starts_with("`session_timeout` = \"soon\" is no duration")
    );
    assert!(message("session_timeout = \"1500ms\"").contains("whole seconds"));
    assert_eq!(
        message("memory_limit = \"lots\""),
        "`memory_limit` = \"lots\" is no size"
    );
    assert_eq!(message("snapshot = 3"), "`snapshot` is a section");
    assert!(message("a = ").starts_with("not valid TOML"));
    assert_eq!(
        message("ignore_referrers = [\"https://paypal.com\"]"),
        "`ignore_referrers`: \"https://paypal.com\" is no host"
    );
    assert_eq!(
        message("[vars]\ntimezone = 1"),
        "`vars.timezone` would hide the built-in `$timezone`"
    );
    assert_eq!(
        message("[vars]\na-b = 1"),
        "`vars.a-b` cannot be used in SQL"
    );
    assert_eq!(
        message("[vars]\na = [1]"),
        "`vars.a` must be a list of text, not a list"
    );
}

#[test]
fn an_unknown_time_zone_gets_the_nearest() {
    let hint = |name: &str| {
        let error = load_toml(&format!("timezone = \"{name}\"")).unwrap_err();
        error.hint_text().unwrap().to_owned()
    };
    assert_eq!(hint("Europe/Berln"), "did you mean `Europe/Berlin`?");
    assert_eq!(hint("berlin"), "did you mean `Europe/Berlin`?");
    assert!(hint("the moon, dark side").contains("IANA"));
}

#[test]
fn fields_are_kept_as_they_are() {
    let config =
        load_toml("[fields]\nuser_id = \"uid\"\nvalue = { path = \"a.b\" }\n").unwrap();
    assert_eq!(config.fields["user_id"].as_str(), Some("uid"));
    assert_eq!(config.fields["value"]["path"].as_str(), Some("a.b"));
}

#[test]
fn a_project_folder_must_exist() {
    let error = Config::load(Some(Path::new("/no/such/folder")), [], &[]).unwrap_err();
    assert_eq!(error.message(), "the project folder does not exist");
}
