//! A test for each sentence of SPEC §5 about the traffic source of one event.

use super::*;

const PAGE: &str = "https://shop.example.com/p";

fn rules() -> Rules {
    let ignored = ["paypal.com".to_string(), "*.Stripe.com".to_string()];
    Rules::new(&ignored, Arc::new(Channels::load(None).unwrap()))
}

/// `source / medium / campaign`, `-` for null.
fn given(text: &str) -> Source<'_> {
    let mut parts = text
        .split(" / ")
        .map(|part| (part != "-").then_some(part.into()));
    Source {
        source: parts.next().flatten(),
        medium: parts.next().flatten(),
        campaign: parts.next().flatten(),
        content: parts.next().flatten(),
        term: parts.next().flatten(),
    }
}

/// The answer as `source / medium / campaign / content / term`, without trailing nulls.
fn answer(event: Event) -> Option<String> {
    let found = rules().apply(event)?;
    let parts = [
        found.source,
        found.medium,
        found.campaign,
        found.content,
        found.term,
    ];
    let mut parts: Vec<_> = parts
        .into_iter()
        .map(|part| part.unwrap_or("-".into()).into_owned())
        .collect();
    while parts.last().is_some_and(|part| part == "-") {
        parts.pop();
    }
    Some(parts.join(" / "))
}

fn of_params(params: &str) -> Option<String> {
    answer(Event {
        params: given(params),
        page_location: Some(PAGE),
        ..Event::default()
    })
}

fn of_page(page: &str) -> Option<String> {
    answer(Event {
        page_location: Some(page),
        ..Event::default()
    })
}

fn of_referrer(page: &str, referrer: &str) -> Option<String> {
    answer(Event {
        page_location: Some(page),
        page_referrer: Some(referrer),
        ..Event::default()
    })
}

fn is(expected: &str) -> Option<String> {
    Some(expected.to_string())
}

/// An event with something in every place.
fn everything() -> Event<'static> {
    Event {
        collected: given("c / cm / cc / ccontent / cterm"),
        params: given("p / pm / pc"),
        page_location: Some("https://a.com/?utm_source=u&utm_medium=um&gclid=1"),
        click_id_type: Some("fbclid"),
        page_referrer: Some("https://news.site/"),
    }
}

#[test]
fn an_event_without_any_of_it_has_no_source() {
    assert_eq!(answer(Event::default()), None);
    assert_eq!(of_page(PAGE), None);
    assert_eq!(
        of_page("https://shop.example.com/p?size=4&q=utm_source"),
        None
    );
}

#[test]
fn the_first_place_in_order_counts_whole() {
    let mut event = everything();
    assert_eq!(answer(everything()), is("c / cm / cc / ccontent / cterm"));
    event.collected = Source::default();
    assert_eq!(answer(event), is("p / pm / pc"));
    let no_params = |page| Event {
        collected: Source::default(),
        params: Source::default(),
        page_location: Some(page),
        ..everything()
    };
    assert_eq!(
        answer(no_params("https://a.com/?utm_source=u&gclid=1")),
        is("u")
    );
    assert_eq!(
        answer(no_params("https://a.com/?gclid=1")),
        is("google / cpc")
    );
    assert_eq!(answer(no_params("https://a.com/")), is("facebook / social"));
    let mut referrer_only = no_params("https://a.com/");
    referrer_only.click_id_type = None;
    assert_eq!(answer(referrer_only), is("news.site / referral"));
}

#[test]
fn values_of_two_places_are_never_mixed() {
    let mut event = everything();
    event.collected = given("c");
    assert_eq!(answer(event), is("c"));
}

#[test]
fn a_source_or_a_medium_is_enough() {
    assert_eq!(of_params("newsletter"), is("newsletter"));
    assert_eq!(of_params("- / email"), is("- / email"));
    assert_eq!(of_page("a.com?utm_medium=email"), is("- / email"));
    assert_eq!(of_params("(direct) / email"), is("(direct) / email"));
    assert_eq!(of_params("news / (none)"), is("news / (none)"));
}

#[test]
fn a_campaign_alone_is_no_source_information() {
    assert_eq!(of_params("- / - / spring"), None);
    assert_eq!(of_page("a.com/?utm_campaign=spring"), None);
    assert_eq!(
        of_page("a.com/?utm_campaign=spring&gclid=1"),
        is("google / cpc")
    );
}

#[test]
fn direct_is_none() {
    for direct in [
        "(direct)",
        "(direct) / (none)",
        "(Direct) / (not set)",
        "- / (none)",
    ] {
        assert_eq!(of_params(direct), None, "{direct}");
        let mut event = everything();
        event.collected = given(direct);
        assert_eq!(answer(event), is("p / pm / pc"), "{direct}");
    }
    assert_eq!(
        of_page("a.com/?utm_source=(direct)&utm_medium=(none)"),
        None
    );
    assert_eq!(
        of_page("a.com/?utm_source=%28direct%29&gclid=x"),
        is("google / cpc")
    );
}

#[test]
fn a_campaign_in_brackets_is_kept_as_text() {
    for campaign in ["(direct)", "(referral)", "(organic)"] {
        let params = format!("google / organic / {campaign}");
        assert_eq!(of_params(&params), is(&params));
    }
}

#[test]
fn utm_parameters_are_decoded_and_cleaned() {
    assert_eq!(
        of_page(
            "https://a.com/?utm_source=My%20News+letter&utm_medium=e%2Dmail&utm_campaign=\
             %20caf%C3%A9%20&utm_content=NaN&utm_term=%28not%20set%29#utm_source=x"
        ),
        is("My News letter / e-mail / café")
    );
    for word in ["", "null", "undefined", "(not%20set)", "NaN", "%20"] {
        assert_eq!(
            of_page(&format!("a.com/?utm_source={word}")),
            None,
            "{word}"
        );
    }
    assert_eq!(
        of_page("a.com?utm_source=s&utm_medium=m&utm_campaign=c&utm_content=co&utm_term=t"),
        is("s / m / c / co / t")
    );
}

#[test]
fn a_page_without_a_scheme_counts_and_the_fragment_does_not() {
    assert_eq!(of_page("shop.example.com/p?utm_source=u"), is("u"));
    assert_eq!(of_page("/p?utm_source=u"), is("u"));
    assert_eq!(of_page("https://a.com/#?utm_source=u"), None);
}

#[test]
fn of_a_repeated_parameter_the_first_value_counts() {
    assert_eq!(
        of_page("a.com/?utm_source=&utm_source=a&utm_source=b"),
        is("a")
    );
}

#[test]
fn each_click_id_has_its_source() {
    for (names, expected) in [
        (&["gclid", "gbraid", "wbraid", "dclid"][..], "google / cpc"),
        (&["msclkid"], "bing / cpc"),
        (&["ttclid"], "tiktok / cpc"),
        (&["twclid"], "twitter / cpc"),
        (&["li_fat_id"], "linkedin / cpc"),
        (&["fbclid"], "facebook / social"),
        (&["srsltid"], "google / organic"),
    ] {
        for name in names {
            assert_eq!(of_page(&format!("a.com/?{name}=x")), is(expected), "{name}");
            let collected = Event {
                click_id_type: Some(name),
                ..Event::default()
            };
            assert_eq!(answer(collected), is(expected), "{name}");
        }
    }
}

#[test]
fn the_first_click_id_in_order_counts_wherever_it_stands() {
    assert_eq!(of_page("a.com/?fbclid=1&gclid=2"), is("google / cpc"));
    let both = |collected, page| Event {
        click_id_type: Some(collected),
        page_location: Some(page),
        ..Event::default()
    };
    assert_eq!(answer(both("fbclid", "a.com/?msclkid=1")), is("bing / cpc"));
    assert_eq!(answer(both("msclkid", "a.com/?fbclid=1")), is("bing / cpc"));
}

#[test]
fn an_empty_or_unknown_click_id_is_none() {
    assert_eq!(of_page("a.com/?gclid=&xclid=1"), None);
    let unknown = Event {
        click_id_type: Some("xclid"),
        ..Event::default()
    };
    assert_eq!(answer(unknown), None);
}

#[test]
fn a_click_id_counts_where_source_and_medium_are_direct() {
    let event = Event {
        params: given("(direct) / (none) / (direct)"),
        click_id_type: Some("gclid"),
        ..Event::default()
    };
    assert_eq!(answer(event), is("google / cpc"));
}

#[test]
fn a_referrer_of_another_host_is_its_host_without_www() {
    assert_eq!(
        of_referrer(PAGE, "https://www.Blog.org/a?b"),
        is("blog.org / referral")
    );
    assert_eq!(
        of_referrer(PAGE, "https://mail.google.com/"),
        is("mail.google.com / referral")
    );
    assert_eq!(of_referrer(PAGE, "about:blank"), None);
}

#[test]
fn a_referrer_in_the_search_category_is_organic() {
    assert_eq!(
        of_referrer(PAGE, "https://www.google.co.uk/"),
        is("google.co.uk / organic")
    );
    assert_eq!(
        of_referrer(PAGE, "https://duckduckgo.com/"),
        is("duckduckgo.com / organic")
    );
    assert_eq!(
        of_referrer(PAGE, "https://facebook.com/"),
        is("facebook.com / referral")
    );
}

#[test]
fn the_site_itself_and_its_parents_are_no_referrers() {
    assert_eq!(of_referrer(PAGE, "https://shop.example.com/other"), None);
    assert_eq!(of_referrer(PAGE, "https://www.example.com/"), None);
    assert_eq!(
        of_referrer("SHOP.example.com/p", "http://Example.com:81/"),
        None
    );
    assert_eq!(
        of_referrer(PAGE, "https://ample.com/"),
        is("ample.com / referral")
    );
}

#[test]
fn a_subdomain_or_sibling_of_the_page_is_another_host() {
    assert_eq!(
        of_referrer(PAGE, "https://a.shop.example.com"),
        is("a.shop.example.com / referral")
    );
    assert_eq!(
        of_referrer(PAGE, "https://blog.example.com"),
        is("blog.example.com / referral")
    );
}

#[test]
fn without_a_page_any_referrer_is_another_host() {
    let event = Event {
        page_referrer: Some("https://blog.org"),
        ..Event::default()
    };
    assert_eq!(answer(event), is("blog.org / referral"));
}

#[test]
fn a_referral_from_the_site_itself_is_none_in_any_place() {
    assert_eq!(of_params("shop.example.com / referral / (referral)"), None);
    assert_eq!(of_params("Example.com / Referral"), None);
    assert_eq!(of_params("www.shop.example.com / referral"), None);
    assert_eq!(
        of_params("blog.example.com / referral"),
        is("blog.example.com / referral")
    );
    let utm = "https://shop.example.com/?utm_source=example.com&utm_medium=referral";
    assert_eq!(of_page(utm), None);
    let mut event = everything();
    event.collected = given("a.com / referral");
    assert_eq!(answer(event), is("p / pm / pc"));
}

#[test]
fn the_site_itself_counts_under_another_medium() {
    assert_eq!(of_params("example.com / email"), is("example.com / email"));
    assert_eq!(of_params("example.com"), is("example.com"));
}

#[test]
fn an_ignored_referrer_and_its_subdomains_are_none_in_any_place() {
    assert_eq!(of_params("paypal.com / referral"), None);
    assert_eq!(of_params("www.paypal.com / referral"), None);
    assert_eq!(of_params("checkout.stripe.com / referral"), None);
    assert_eq!(
        of_params("notpaypal.com / referral"),
        is("notpaypal.com / referral")
    );
    assert_eq!(of_referrer(PAGE, "https://www.sandbox.PayPal.com/x"), None);
    assert_eq!(of_referrer(PAGE, "https://stripe.com/"), None);
    assert_eq!(of_params("paypal.com / email"), is("paypal.com / email"));
}
