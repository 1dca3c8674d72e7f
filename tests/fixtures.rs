//! Every fixture folder through the real binary: ingest, run, and the three marts as
//! expected; then the same files once more, which changes nothing.

mod reference;
mod support;

use support::{Fixture, TestProject};

#[test]
fn the_binary_makes_the_expected_marts() {
    let mut wrong = Vec::new();
    for fixture in Fixture::all() {
        let project = TestProject::new(&fixture.config());
        for file in fixture.events() {
            project.ingest(&file);
        }
        project.run();
        let (found, expected) = (project.marts(), fixture.expected());
        if found != expected {
            let path = fixture.path.display();
            wrong.push(format!("{path}\nexpected {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_run_after_each_file_makes_the_same() {
    for fixture in Fixture::all()
        .iter()
        .filter(|fixture| fixture.events().len() > 1)
    {
        let project = TestProject::new(&fixture.config());
        for file in fixture.events() {
            project.ingest(&file);
            project.run();
        }
        assert_eq!(project.marts(), fixture.expected(), "{}", fixture.name());
    }
}

#[test]
fn the_same_files_again_change_nothing() {
    // Not of versions of one explicit id: there the later ingest counts.
    let versioned = "explicit_event_id";
    for fixture in Fixture::all()
        .iter()
        .filter(|fixture| fixture.name() != versioned)
    {
        let project = TestProject::new(&fixture.config());
        let ingest = || {
            fixture
                .events()
                .iter()
                .for_each(|file| project.ingest(file))
        };
        ingest();
        project.run();
        let rows = project.count("select count(*) from raw_ga4_events");
        ingest();
        project.run();
        let name = fixture.name();
        assert_eq!(
            project.count("select count(*) from raw_ga4_events"),
            rows,
            "{name}"
        );
        assert_eq!(project.marts(), fixture.expected(), "{name}");
    }
}
