//! The names under which GA4 extracts carry each field, as a table to read and to extend.
//!
//! Names are compared without case, spaces, `.`, `_` and `-`: `device.category`,
//! `device_category` and `deviceCategory` are one name. The first name of a field that has a
//! value wins.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::field::Field;

/// Names of each field, the first choice first.
const ALIASES: &[(Field, &[&str])] = &[
    (Field::SourceEventId, &["event_id", "source_event_id"]),
    (
        Field::EventTimestamp,
        &[
            "event_timestamp",
            "event_timestamp_micros",
            "timestamp_micros",
            "event_timestamp_utc",
            "timestamp",
            "event_time",
            "event_datetime",
            "datetime",
            "time",
            "ts",
        ],
    ),
    (Field::EventName, &["event_name", "event"]),
    (Field::UserId, &["user_id", "uid"]),
    (
        Field::UserPseudoId,
        &[
            "user_pseudo_id",
            "client_id",
            "ga_client_id",
            "app_instance_id",
            "cid",
            "full_visitor_id",
        ],
    ),
    (Field::StreamId, &["stream_id"]),
    (Field::Platform, &["platform"]),
    (Field::GaSessionId, &["ga_session_id", "session_id"]),
    (
        Field::GaSessionNumber,
        &["ga_session_number", "session_number"],
    ),
    (Field::BatchPageId, &["batch_page_id"]),
    (Field::BatchOrderingId, &["batch_ordering_id"]),
    (Field::BatchEventIndex, &["batch_event_index"]),
    (Field::EventBundleSequenceId, &["event_bundle_sequence_id"]),
    (
        Field::PageLocation,
        &["page_location", "page_url", "url", "location"],
    ),
    (
        Field::PageReferrer,
        &["page_referrer", "referrer", "referer"],
    ),
    (Field::PageTitle, &["page_title", "title"]),
    (
        Field::Source,
        &["source", "utm_source", "event_source", "session_source"],
    ),
    (
        Field::Medium,
        &["medium", "utm_medium", "event_medium", "session_medium"],
    ),
    (
        Field::Campaign,
        &[
            "campaign",
            "utm_campaign",
            "event_campaign",
            "campaign_name",
            "session_campaign",
            "session_campaign_name",
        ],
    ),
    (Field::Content, &["content", "utm_content", "event_content"]),
    (Field::Term, &["term", "utm_term", "event_term"]),
    (
        Field::CollectedSource,
        &[
            "collected_traffic_source.manual_source",
            "collected_source",
            "manual_source",
        ],
    ),
    (
        Field::CollectedMedium,
        &[
            "collected_traffic_source.manual_medium",
            "collected_medium",
            "manual_medium",
        ],
    ),
    (
        Field::CollectedCampaign,
        &[
            "collected_traffic_source.manual_campaign_name",
            "collected_campaign",
            "manual_campaign_name",
        ],
    ),
    (
        Field::CollectedContent,
        &[
            "collected_traffic_source.manual_content",
            "collected_content",
            "manual_content",
        ],
    ),
    (
        Field::CollectedTerm,
        &[
            "collected_traffic_source.manual_term",
            "collected_term",
            "manual_term",
        ],
    ),
    (
        Field::Gclid,
        &["collected_traffic_source.gclid", "collected_gclid", "gclid"],
    ),
    (
        Field::Gbraid,
        &["collected_traffic_source.gbraid", "gbraid"],
    ),
    (
        Field::Wbraid,
        &["collected_traffic_source.wbraid", "wbraid"],
    ),
    (
        Field::Dclid,
        &["collected_traffic_source.dclid", "collected_dclid", "dclid"],
    ),
    (
        Field::Msclkid,
        &["collected_traffic_source.msclkid", "msclkid"],
    ),
    (
        Field::Ttclid,
        &["collected_traffic_source.ttclid", "ttclid"],
    ),
    (
        Field::Twclid,
        &["collected_traffic_source.twclid", "twclid"],
    ),
    (
        Field::LiFatId,
        &["collected_traffic_source.li_fat_id", "li_fat_id"],
    ),
    (
        Field::Fbclid,
        &["collected_traffic_source.fbclid", "fbclid"],
    ),
    (
        Field::Srsltid,
        &[
            "collected_traffic_source.srsltid",
            "collected_srsltid",
            "srsltid",
        ],
    ),
    (
        Field::FirstUserSource,
        &["traffic_source.source", "first_user_source"],
    ),
    (
        Field::FirstUserMedium,
        &["traffic_source.medium", "first_user_medium"],
    ),
    (
        Field::FirstUserCampaign,
        &[
            "traffic_source.name",
            "traffic_source.campaign",
            "first_user_campaign",
        ],
    ),
    (Field::DeviceCategory, &["device.category"]),
    (
        Field::DeviceOperatingSystem,
        &["device.operating_system", "operating_system", "device.os"],
    ),
    (
        Field::DeviceBrowser,
        &[
            "device.web_info.browser",
            "device.browser",
            "web_info.browser",
            "browser",
        ],
    ),
    (Field::DeviceLanguage, &["device.language", "language"]),
    (Field::GeoCountry, &["geo.country", "country"]),
    (Field::GeoRegion, &["geo.region", "region"]),
    (Field::GeoCity, &["geo.city", "city"]),
    (
        Field::PurchaseRevenue,
        &["ecommerce.purchase_revenue", "purchase_revenue", "revenue"],
    ),
    (Field::Value, &["value", "event_value"]),
    (Field::Currency, &["currency", "currency_code"]),
    (
        Field::TransactionId,
        &["ecommerce.transaction_id", "transaction_id", "order_id"],
    ),
    (Field::Items, &["items"]),
];

/// Columns of the export that no column of the raw table stands for. They are known, and left
/// out: `event_date` is derived again from the timestamp, the rest is not about attribution.
const IGNORED: &[&str] = &[
    "event_date",
    "event_previous_timestamp",
    "event_value_in_usd",
    "event_server_timestamp_offset",
    "event_dimensions.hostname",
    "is_active_user",
    "user_first_touch_timestamp",
    "user_ltv.revenue",
    "user_ltv.currency",
    "privacy_info.analytics_storage",
    "privacy_info.ads_storage",
    "privacy_info.uses_transient_token",
    "device.mobile_brand_name",
    "device.mobile_model_name",
    "device.mobile_marketing_name",
    "device.mobile_os_hardware_model",
    "device.operating_system_version",
    "device.vendor_id",
    "device.advertising_id",
    "device.is_limited_ad_tracking",
    "device.time_zone_offset_seconds",
    "device.browser_version",
    "device.web_info.browser_version",
    "device.web_info.hostname",
    "geo.continent",
    "geo.sub_continent",
    "geo.metro",
    "app_info.id",
    "app_info.version",
    "app_info.install_store",
    "app_info.firebase_app_id",
    "app_info.install_source",
    "collected_traffic_source.manual_campaign_id",
    "collected_traffic_source.manual_source_platform",
    "collected_traffic_source.manual_creative_format",
    "collected_traffic_source.manual_marketing_tactic",
    "ecommerce.total_item_quantity",
    "ecommerce.purchase_revenue_in_usd",
    "ecommerce.refund_value",
    "ecommerce.refund_value_in_usd",
    "ecommerce.shipping_value",
    "ecommerce.shipping_value_in_usd",
    "ecommerce.tax_value",
    "ecommerce.tax_value_in_usd",
    "ecommerce.unique_items",
    "purchase_revenue_in_usd",
    // The index column of a data frame: it would make every row an event of its own.
    "Unnamed: 0",
];

/// Beginnings of a name that say that the rest is an event param's name.
const PARAM_PREFIXES: &[&str] = &[
    "event_params.",
    "event_params_",
    "event_param.",
    "event_param_",
    "params.",
    "params_",
    "ep.",
    "ep_",
    "epn.",
    "epn_",
];

/// Beginnings of a name that say that the rest is a user property's name.
const USER_PROPERTY_PREFIXES: &[&str] = &[
    "user_properties.",
    "user_properties_",
    "user_property.",
    "user_property_",
    "up.",
    "up_",
    "upn.",
    "upn_",
];

/// What a column's name says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// A field, and the rank of the name among the field's names (from 1).
    Field(Field, u16),
    /// An event param; its name starts at this byte.
    Param(usize),
    /// A user property; its name starts at this byte.
    UserProperty(usize),
    /// All event params at once, nested.
    Params,
    /// All user properties at once, nested.
    UserProperties,
    Ignored,
    Unknown,
}

/// Looks a column's name up.
pub fn lookup(name: &str) -> Known {
    static TABLE: LazyLock<HashMap<String, Known>> = LazyLock::new(table);
    let squashed = squash(name);
    if squashed.is_empty() {
        return Known::Ignored;
    }
    if let Some(known) = TABLE.get(&squashed) {
        return *known;
    }
    let starts = |prefixes: &[&str]| {
        let matches = |prefix: &str| {
            name.len() > prefix.len()
                && name
                    .get(..prefix.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        prefixes
            .iter()
            .find(|prefix| matches(prefix))
            .map(|prefix| prefix.len())
    };
    if let Some(skip) = starts(PARAM_PREFIXES) {
        return Known::Param(skip);
    }
    if let Some(skip) = starts(USER_PROPERTY_PREFIXES) {
        return Known::UserProperty(skip);
    }
    Known::Unknown
}

fn table() -> HashMap<String, Known> {
    let mut table = HashMap::new();
    for (field, names) in ALIASES {
        for (rank, name) in (1u16..).zip(names.iter()) {
            table.insert(squash(name), Known::Field(*field, rank));
        }
    }
    for name in IGNORED {
        table.insert(squash(name), Known::Ignored);
    }
    table.insert(squash("event_params"), Known::Params);
    table.insert(squash("user_properties"), Known::UserProperties);
    table
}

/// A name without case and separators.
fn squash(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_own_name_and_no_name_twice() {
        for &field in Field::ALL {
            assert!(
                matches!(lookup(field.name()), Known::Field(found, _) if found == field),
                "{}",
                field.name()
            );
        }
        let names =
            ALIASES.iter().map(|(_, names)| names.len()).sum::<usize>() + IGNORED.len() + 2;
        assert_eq!(table().len(), names, "a name stands in the table twice");
    }

    #[test]
    fn the_guide_has_every_name() {
        let guide = include_str!("../../docs/events.md");
        for (field, names) in ALIASES {
            let row = format!("| `{}` | `{}` |", field.name(), names.join("`, `"));
            assert!(guide.contains(&row), "docs/events.md lacks the row {row}");
        }
    }

    #[test]
    fn case_and_separators_do_not_matter() {
        for name in [
            "device.category",
            "device_category",
            "Device Category",
            "deviceCategory",
        ] {
            assert_eq!(
                lookup(name),
                Known::Field(Field::DeviceCategory, 1),
                "{name}"
            );
        }
        assert_eq!(
            lookup("collected_traffic_source_manual_source"),
            Known::Field(Field::CollectedSource, 1)
        );
        assert_eq!(
            lookup("traffic_source_source"),
            Known::Field(Field::FirstUserSource, 1)
        );
        assert_eq!(lookup("utm_source"), Known::Field(Field::Source, 2));
    }

    #[test]
    fn prefixes_name_params_and_user_properties() {
        assert_eq!(lookup("ep_content_group"), Known::Param(3));
        assert_eq!(lookup("event_params.page_location"), Known::Param(13));
        assert_eq!(lookup("Event_Params_x"), Known::Param(13));
        assert_eq!(lookup("up.tier"), Known::UserProperty(3));
        assert_eq!(lookup("event_params"), Known::Params);
        assert_eq!(lookup("ep_"), Known::Unknown);
        assert_eq!(lookup("event_date"), Known::Ignored);
        assert_eq!(lookup(""), Known::Ignored);
        assert_eq!(lookup("éé"), Known::Unknown);
    }
}
