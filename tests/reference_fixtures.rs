//! The fixtures against the reference: each expected mart, written by hand for `tiny/`, is
//! what the reference computes. `UPDATE_EXPECT=1` rewrites the expected marts of `shop/`
//! (and of no other: the tiny ones are checked with a pencil).

mod reference;
mod support;

use std::fs;
use std::path::Path;

use reference::{Event, Settings, attribute, dedup, marts, read};
use support::{Fixture, read_text};

fn events(path: &Path) -> Vec<Event> {
    let text = read_text(path);
    if text.starts_with('{') {
        read::ndjson(&text)
    } else {
        read::csv(&text)
    }
}

#[test]
fn the_reference_makes_the_expected_marts() {
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for fixture in Fixture::all() {
        let name = fixture.name();
        let events: Vec<Event> = fixture
            .events()
            .iter()
            .flat_map(|path| events(path))
            .collect();
        let tables = attribute(&events, &Settings::from_toml(&fixture.config()));
        assert!(
            !dedup::has_ties(&tables.events),
            "{name} has ties that only a hash could break"
        );
        for (mart, text) in [
            ("first_click", marts::mart_csv(&tables.first_click)),
            ("last_click", marts::mart_csv(&tables.last_click)),
            (
                "reconciliation",
                marts::reconciliation_csv(&tables.reconciliation),
            ),
        ] {
            let path = fixture.expected_path(mart);
            if is_update && name == "shop" {
                fs::write(&path, &text).expect("writes the expected mart");
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if expected != text {
                wrong.push(format!(
                    "{}\nexpected\n{expected}found\n{text}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_bad_rows_are_rejected() {
    let fixtures = Fixture::all();
    let fixture = fixtures
        .iter()
        .find(|fixture| fixture.name() == "bad_rows")
        .expect("is there");
    let events: Vec<Event> = fixture
        .events()
        .iter()
        .flat_map(|path| events(path))
        .collect();
    assert_eq!(attribute(&events, &Settings::default()).rejected, 6);
}
