//! Real events: a sample of the Google Merchandise Store's GA4 export, where it is there.

use std::path::{Path, PathBuf};

use crate::support::TestProject;

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_store_is_attributed() {
    for name in ["ga4_store_events.parquet", "ga4_store_events_flat.csv.gz"] {
        let Some(file) = shared(name) else { return };
        let project = TestProject::new("");
        project.ingest(&file);
        assert_eq!(
            project.count("select count(*) from raw_ga4_events"),
            24_219,
            "{name}"
        );
        let devices = "select count(distinct user_pseudo_id) from raw_ga4_events";
        assert_eq!(project.count(devices), 19_210, "{name}");
        project.ingest(&file);
        assert_eq!(
            project.count("select count(*) from raw_ga4_events"),
            24_219,
            "{name}"
        );
        project.run();
        assert_eq!(
            project.count("select count(*) from int_user_sessions"),
            20_705,
            "{name}"
        );
        let purchases = "select count(*) from int_conversion_events";
        assert_eq!(project.count(purchases), 624, "{name}");
        // Six real transaction ids repeat; `(not set)` is none.
        let merged = "select (select count(*) from int_conversion_events)
            - (select count(*) from int_conversions)";
        let merged = project.count(merged);
        assert!((6..20).contains(&merged), "{name}: {merged}");
        let revenue = "select count(*) from mart_attribution_reconciliation
            where revenue <> revenue_credited + revenue_unattributed";
        assert_eq!(project.count(revenue), 0, "{name}");
        let unknown = "select count(*) from mart_attribution_last_click
            where channel is null or source = 'shop.googlemerchandisestore.com'";
        assert_eq!(project.count(unknown), 0, "{name}");
    }
}
