//! Tests of the channel rules that ship, a test per rule and trap, and of a project's own.

use super::*;
use std::fs;

/// Days since 1970-01-01 of 2026-05-13, when the AI Assistant channel began.
const AI_ASSISTANT_DAY: i32 = 20_586;

fn ga4() -> Channels {
    Channels::load(None).unwrap()
}

/// Channels of a project with these files.
fn project(rules: Option<&str>, categories: Option<&str>) -> Result<Channels> {
    let queries = tempfile::tempdir().unwrap();
    let folder = queries.path().join("channels");
    fs::create_dir(&folder).unwrap();
    if let Some(rules) = rules {
        fs::write(folder.join("rules.yml"), rules).unwrap();
    }
    if let Some(categories) = categories {
        fs::write(folder.join("source_categories.csv"), categories).unwrap();
    }
    Channels::load(Some(queries.path()))
}

/// The channel of `source / medium / campaign`, where `-` is null.
fn channel(visit: &str) -> String {
    let mut parts = visit.split(" / ").map(|part| (part != "-").then_some(part));
    let mut next = || parts.next().flatten();
    ga4().channel(next(), next(), next(), Some(0)).to_string()
}

fn assert_channels(cases: &[(&str, &str)]) {
    for (visit, expected) in cases {
        assert_eq!(channel(visit), *expected, "{visit}");
    }
}

#[test]
fn rule_1_direct() {
    assert_channels(&[
        ("(direct) / (none)", "Direct"),
        ("(direct) / (not set)", "Direct"),
        ("- / -", "Direct"),
        ("(direct) / -", "Direct"),
        ("- / (none)", "Direct"),
        ("(Direct) / (None)", "Direct"),
        ("(direct) / cpc", "Paid Other"),
    ]);
}

#[test]
fn rule_2_cross_network() {
    assert_channels(&[
        ("google / cpc / a Cross-Network b", "Cross-network"),
        ("google / organic / network", "Organic Search"),
    ]);
}

#[test]
fn rules_3_to_6_paid_by_category() {
    assert_channels(&[
        ("ebay / cpc", "Paid Shopping"),
        ("x / ppc / spring shop", "Paid Shopping"),
        ("google / cpc", "Paid Search"),
        ("facebook / paid-social", "Paid Social"),
        ("youtube.com / cpv-cpm", "Paid Video"),
        ("bing / xcpx", "Paid Search"),
    ]);
}

#[test]
fn rules_7_and_8_display_and_paid_other() {
    assert_channels(&[
        ("x / display", "Display"),
        ("x / banner", "Display"),
        ("x / expandable", "Display"),
        ("x / interstitial", "Display"),
        ("x / retargeting", "Paid Other"),
        ("x / retargeting-2", "Unassigned"),
    ]);
}

#[test]
fn google_cpm_is_paid_search_and_another_cpm_is_display() {
    assert_channels(&[("google / cpm", "Paid Search"), ("x / cpm", "Display")]);
}

#[test]
fn rule_9_organic_shopping() {
    assert_channels(&[
        ("ebay.de / referral", "Organic Shopping"),
        ("x / y / Shopping week", "Organic Shopping"),
        ("newsletter / email / shop-now", "Organic Shopping"),
        ("newsletter / email / eshop", "Organic Shopping"),
    ]);
}

#[test]
fn a_workshop_is_no_shop() {
    assert_channels(&[("newsletter / email / workshop", "Email")]);
}

#[test]
fn rules_10_to_12_social_video_search() {
    assert_channels(&[
        ("facebook.com / referral", "Organic Social"),
        ("x / sm", "Organic Social"),
        ("x / social network", "Organic Social"),
        ("vimeo / referral", "Organic Video"),
        ("x / my-video-ad", "Organic Video"),
        ("duckduckgo / referral", "Organic Search"),
        ("x / Organic", "Organic Search"),
    ]);
}

#[test]
fn rules_13_to_18() {
    assert_channels(&[
        ("x / referral", "Referral"),
        ("x / app", "Referral"),
        ("x / link", "Referral"),
        ("e_mail / x", "Email"),
        ("x / e-mail", "Email"),
        ("x / affiliate", "Affiliates"),
        ("x / audio", "Audio"),
        ("sms / x", "SMS"),
        ("x / sms", "SMS"),
        ("x / web-push", "Mobile Push Notifications"),
        ("x / mobile-app", "Mobile Push Notifications"),
        ("x / notifications", "Mobile Push Notifications"),
        ("firebase / x", "Mobile Push Notifications"),
    ]);
}

#[test]
fn what_no_rule_takes_is_unassigned() {
    assert_channels(&[
        ("x / y / z", "Unassigned"),
        ("<Other> / <Other>", "Unassigned"),
        ("(data deleted) / (data deleted)", "Unassigned"),
        ("- / pushed", "Unassigned"),
    ]);
}

#[test]
fn a_real_source_with_medium_not_set_is_unassigned() {
    assert_channels(&[
        ("partner / (not set)", "Unassigned"),
        ("partner / -", "Unassigned"),
    ]);
}

#[test]
fn domains_are_known_by_their_registrable_name() {
    assert_channels(&[
        ("google.com / cpc", "Paid Search"),
        ("www.google.co.uk / referral", "Organic Search"),
        ("mail.google.com / referral", "Referral"),
        ("x.com / referral", "Referral"),
        ("chatgpt.com / referral", "Referral"),
        ("t.co / referral", "Organic Social"),
    ]);
}

#[test]
fn ai_assistant_exists_from_its_day() {
    let channels = ga4();
    let on = |date| channels.channel(Some("chatgpt.com"), Some("AI-Assistant"), None, date);
    assert_eq!(on(Some(AI_ASSISTANT_DAY - 1)), "Unassigned");
    assert_eq!(on(Some(AI_ASSISTANT_DAY)), "AI Assistant");
    assert_eq!(on(None), "AI Assistant");
    let by_campaign = |source| {
        channels.channel(
            Some(source),
            Some("social"),
            Some("(ai-assistant)"),
            Some(AI_ASSISTANT_DAY),
        )
    };
    assert_eq!(by_campaign("reddit"), "AI Assistant");
    assert_eq!(by_campaign("ebay"), "Organic Shopping");
    assert_ne!(
        channels.version(Some(AI_ASSISTANT_DAY - 1)),
        channels.version(None)
    );
    assert_eq!(
        channels.version(Some(AI_ASSISTANT_DAY)),
        channels.version(None)
    );
}

#[test]
fn names_are_in_the_order_of_the_rules() {
    let channels = ga4();
    let names = channels.names();
    assert_eq!(names.len(), 20);
    assert_eq!(names[0], "Direct");
    assert_eq!(names[9..11], ["AI Assistant", "Organic Social"]);
    assert_eq!(names[19], UNASSIGNED);
}

#[test]
fn a_project_extends_the_rules() {
    let rules = "extends: ga4\nrules:\n  - channel: Podcast\n    until: 2026-05-13\n    \
                 when: { source: { ends_with: -FM } }\n";
    let channels = project(Some(rules), None).unwrap();
    let podcast = |date| channels.channel(Some("news-fm"), Some("audio"), None, Some(date));
    assert_eq!(podcast(AI_ASSISTANT_DAY - 1), "Podcast");
    assert_eq!(podcast(AI_ASSISTANT_DAY), "Audio");
    assert_eq!(
        channels.channel(Some("news-fm"), Some("audio"), None, None),
        "Audio"
    );
    assert_eq!(channels.names()[0], "Podcast");
    assert_eq!(channels.names().len(), 21);
}

#[test]
fn a_project_replaces_the_rules() {
    let rules = "rules:\n  - channel: Paid\n    when: { medium: { matches: 'C.C' } }\n";
    let channels = project(Some(rules), None).unwrap();
    assert_eq!(channels.names(), ["Paid", UNASSIGNED]);
    assert_eq!(channels.channel(None, Some("cpc"), None, None), "Paid");
    assert_eq!(channels.channel(None, Some("xcpc"), None, None), UNASSIGNED);
    assert_eq!(channels.channel(None, None, None, None), UNASSIGNED);
}

#[test]
fn a_project_adds_sources_and_categories() {
    let rules = "extends: ga4\nrules:\n  - channel: Press\n    \
                 when: { source: { category: press } }\n";
    let categories = "source,category\nnytimes.com,press\nx.com,social\nreddit,none\n";
    let channels = project(Some(rules), Some(categories)).unwrap();
    let referral = |source| channels.channel(Some(source), Some("referral"), None, None);
    assert_eq!(referral("www.NYTimes.com"), "Press");
    assert_eq!(referral("x.com"), "Organic Social");
    assert_eq!(referral("reddit.com"), "Referral");
    assert_eq!(referral("facebook.com"), "Organic Social");
}

#[test]
fn a_copy_of_the_shipped_files_changes_nothing() {
    let copied = project(Some(GA4_RULES), Some(GA4_CATEGORIES)).unwrap();
    assert_eq!(copied.fingerprint(), ga4().fingerprint());
    assert_eq!(project(None, None).unwrap(), ga4());
}

#[test]
fn the_fingerprint_follows_what_is_said() {
    let rules = "rules:\n  - channel: Paid\n    when: { medium: { is: [cpc] } }\n";
    let respelled = "# a comment\nrules: [{when: {medium: {is: [CPC]}}, channel: Paid}]\n";
    let other = rules.replace("cpc", "cpm");
    let fingerprint = |rules: &str| {
        project(Some(rules), None)
            .unwrap()
            .fingerprint()
            .to_string()
    };
    assert_eq!(fingerprint(rules), fingerprint(respelled));
    assert_ne!(fingerprint(rules), fingerprint(&other));
    let categories = project(None, Some("source,category\nx.com,social\n")).unwrap();
    assert_ne!(categories.fingerprint(), ga4().fingerprint());
}

#[test]
fn errors_name_file_and_line() {
    let rule = |when: &str| format!("rules:\n  - channel: A\n    when: {when}\n");
    let cases = [
        (
            rule("{ medium: { matches: '(' } }"),
            "3",
            "no regular expression",
        ),
        (
            rule("{ medium: { category: search } }"),
            "3",
            "only a source",
        ),
        (rule("{ source: { category: serch } }"), "3", "`serch`"),
        (rule("{ sauce: { is: [a] } }"), "3", "cannot read"),
        (rule("{ source: { equals: a } }"), "3", "cannot read"),
        (rule("{}"), "2", "tests nothing"),
        (rule("[]"), "2", "tests nothing"),
        (
            rule("{ source: { is: [a] } }\n    from: May"),
            "4",
            "no date",
        ),
        ("extends: ga3\nrules: []\n".to_string(), "1", "`ga3`"),
    ];
    for (text, line, words) in cases {
        let error = project(Some(&text), None).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Model, "{text}");
        assert!(error.message().contains(words), "{error}");
        assert!(error.context()[0].1.ends_with("rules.yml"), "{error}");
        assert_eq!(
            error.context()[1],
            ("line", line.to_string()),
            "{text}\n{error}"
        );
    }
    assert!(project(Some("rules: []\n"), None).is_err());
}

/// A file beside the project that its tests use where it is there.
fn shared(name: &str) -> Option<csv::Reader<fs::File>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    let reader = csv::Reader::from_path(&file).ok();
    if reader.is_none() {
        eprintln!("skipped: {} is not there", file.display());
    }
    reader
}

#[test]
fn agrees_with_the_cases_of_dbt_ga4() {
    let Some(mut cases) = shared("channel_cases.csv") else {
        return;
    };
    let channels = ga4();
    for case in cases.records() {
        let case = case.unwrap();
        let text = |column| Some(&case[column]).filter(|text| !text.is_empty());
        let channel = channels.channel(text(0), text(1), text(2), None);
        assert_eq!(channel, &case[3], "{case:?}");
    }
}

#[test]
fn every_source_of_googles_list_has_its_category() {
    let Some(mut list) = shared("ga4_source_categories.csv") else {
        return;
    };
    let channels = ga4();
    let missing: Vec<String> = list
        .records()
        .map(|line| line.unwrap())
        .filter(|line| {
            let expected = line[1]
                .trim_start_matches("SOURCE_CATEGORY_")
                .to_lowercase();
            channels.category(&line[0]) != Some(&*expected)
        })
        .map(|line| format!("{},{}", &line[0], &line[1]))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
