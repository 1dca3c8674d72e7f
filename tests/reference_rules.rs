//! The reference's own rules, each on the traps that it was written for.

mod reference;

use chrono::NaiveDate;
use reference::{Event, Settings, channel, clean, source};

fn channel_of(source: &str, medium: &str, campaign: &str) -> &'static str {
    let date = NaiveDate::from_ymd_opt(2026, 5, 13).expect("a date");
    channel::channel(source, medium, campaign, date)
}

#[test]
fn channels_follow_the_published_table() {
    for (source, medium, campaign, expected) in [
        ("(direct)", "(none)", "", "Direct"),
        (
            "some-source",
            "some-medium",
            "some-cross-network-campaign",
            "Cross-network",
        ),
        ("some-source", "retargeting", "shopping", "Paid Shopping"),
        ("google", "ppc", "", "Paid Search"),
        ("google", "cpm", "", "Paid Search"),
        ("facebook", "retargeting", "", "Paid Social"),
        ("youtube.com", "paid-something", "", "Paid Video"),
        ("youtube.com", "display", "", "Display"),
        ("x", "cpm", "", "Display"),
        ("some-source", "cpc", "", "Paid Other"),
        ("Google Shopping", "", "", "Organic Shopping"),
        ("newsletter", "email", "shop-now", "Organic Shopping"),
        ("newsletter", "email", "workshop", "Email"),
        ("newsletter", "email", "eshop", "Organic Shopping"),
        (
            "chatgpt.com",
            "ai-assistant",
            "(ai-assistant)",
            "AI Assistant",
        ),
        ("facebook", "", "", "Organic Social"),
        ("youtube.com", "", "", "Organic Video"),
        ("bing", "", "", "Organic Search"),
        ("google.co.uk", "referral", "", "Organic Search"),
        ("mail.google.com", "referral", "", "Referral"),
        ("", "e mail", "", "Email"),
        ("some-source", "affiliate", "", "Affiliates"),
        ("some-source", "audio", "", "Audio"),
        ("sms", "", "", "SMS"),
        (
            "some-source",
            "something-push",
            "",
            "Mobile Push Notifications",
        ),
        ("firebase", "", "", "Mobile Push Notifications"),
        ("partner", "(not set)", "", "Unassigned"),
        ("GOOGLE", "CPC", "", "Paid Search"),
    ] {
        assert_eq!(
            channel_of(source, medium, campaign),
            expected,
            "{source} / {medium}"
        );
    }
    let before = NaiveDate::from_ymd_opt(2026, 5, 12).expect("a date");
    let channel = channel::channel("chatgpt.com", "ai-assistant", "(ai-assistant)", before);
    assert_eq!(channel, "Unassigned");
}

#[test]
fn a_source_is_taken_whole_from_the_first_place_that_has_one() {
    let found = |fields: &[(&str, &str)]| {
        let mut event = Event {
            event_timestamp: Some(1_777_678_200_000_000),
            event_name: Some("page_view".into()),
            user_id: Some("u".into()),
            ..Event::default()
        };
        for (name, text) in fields {
            *event.text_mut(name).expect("a text field") = Some((*text).to_owned());
        }
        let event = clean::event(&event).expect("is usable");
        source::of_event(&event, &Settings::default()).map(|found| {
            let text = |field: Option<String>| field.unwrap_or_default();
            format!(
                "{}/{}/{}",
                text(found.source),
                text(found.medium),
                text(found.campaign)
            )
        })
    };
    let shop = ("page_location", "https://shop.example.com/a?x=1");
    for (fields, expected) in [
        (
            &[
                ("collected_source", "a"),
                ("medium", "b"),
                ("campaign", "c"),
            ][..],
            Some("a//"),
        ),
        (
            &[("collected_source", "(direct)"), ("source", "b")],
            Some("b//"),
        ),
        (&[("campaign", "alone")], None),
        (&[("source", "(direct)"), ("medium", "(not set)")], None),
        (
            &[(
                "page_location",
                "https://s.de/?utm_source=a+b&utm_campaign=%C3%A4",
            )],
            Some("a b//ä"),
        ),
        (
            &[("page_location", "https://s.de/?gclid=1"), ("fbclid", "2")],
            Some("google/cpc/"),
        ),
        (
            &[shop, ("page_referrer", "https://www.google.co.uk/")],
            Some("google.co.uk/organic/"),
        ),
        (
            &[shop, ("page_referrer", "https://www.blog.org/x")],
            Some("blog.org/referral/"),
        ),
        (
            &[shop, ("page_referrer", "https://shop.example.com/b")],
            None,
        ),
        (
            &[shop, ("page_referrer", "https://www.example.com/b")],
            None,
        ),
        (
            &[shop, ("page_referrer", "https://my.shop.example.com/b")],
            Some("my.shop.example.com/referral/"),
        ),
        (
            &[shop, ("source", "example.com"), ("medium", "referral")],
            None,
        ),
        (
            &[shop, ("source", "example.com"), ("medium", "cpc")],
            Some("example.com/cpc/"),
        ),
        (&[shop, ("page_referrer", "https://www.paypal.com/")], None),
        (
            &[("source", "checkout.stripe.com"), ("medium", "referral")],
            None,
        ),
    ] {
        assert_eq!(found(fields).as_deref(), expected, "{fields:?}");
    }
}

#[test]
fn money_is_exact() {
    for (text, expected) in [
        ("138.0", Some("138")),
        ("0.000000001", Some("0.000000001")),
        ("-5", Some("-5")),
        ("12.50", Some("12.5")),
        ("NaN", None),
        ("", None),
        ("1,5", None),
    ] {
        assert_eq!(
            clean::money(text).map(clean::money_text).as_deref(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn times_are_told_apart_by_magnitude() {
    let expected = Some(1_606_435_662_000_000);
    for text in [
        "1606435662",
        "1606435662000",
        "1606435662000000",
        "2020-11-27T01:07:42+01:00",
    ] {
        assert_eq!(clean::timestamp(text), expected, "{text}");
    }
    for text in [
        "-1606435662000000",
        "9999999999999999",
        "20201127",
        "yesterday",
        "",
    ] {
        assert_eq!(clean::timestamp(text), None, "{text}");
    }
}
