//! What the columns of the raw table hold, in the order of its schema.

pub const RAW_COLUMNS: &[(&str, &str)] = &[
    (
        "event_id",
        "128-bit hash of the event's identity, or of the source's own event id.",
    ),
    (
        "source_event_id",
        "The source's own `event_id`, if it has one.",
    ),
    (
        "content_hash",
        "64-bit hash of all the row; only where `source_event_id` is set.",
    ),
    ("event_timestamp", "When the event happened, UTC."),
    ("event_name", "The name of the event."),
    (
        "user_id",
        "The user id that the site set; this or `user_pseudo_id` is there.",
    ),
    ("user_pseudo_id", "The device (client or app instance) id."),
    ("stream_id", "The GA4 data stream."),
    ("platform", "WEB, IOS or ANDROID."),
    (
        "device_key",
        "64-bit hash of `user_pseudo_id` or, without one, of `user_id`.",
    ),
    (
        "session_key",
        "64-bit hash of stream, device and `ga_session_id`; null without the last.",
    ),
    (
        "ga_session_id",
        "The session id, as text: `2315275013.0` reads `2315275013`.",
    ),
    (
        "ga_session_number",
        "The how many-th session of the device it is.",
    ),
    (
        "batch_page_id",
        "Page of the batch that the event was sent in; part of the order.",
    ),
    ("batch_ordering_id", "Batch on the page; part of the order."),
    (
        "batch_event_index",
        "Event in the batch; part of the order.",
    ),
    (
        "event_bundle_sequence_id",
        "Bundle in which the event was uploaded.",
    ),
    ("page_location", "The page's URL."),
    ("page_referrer", "The URL that led to the page."),
    ("page_title", "The page's title."),
    ("source", "Event param or column `source`."),
    ("medium", "Event param or column `medium`."),
    ("campaign", "Event param or column `campaign`."),
    ("content", "Event param or column `content`."),
    ("term", "Event param or column `term`."),
    (
        "collected_source",
        "`collected_traffic_source.manual_source`.",
    ),
    (
        "collected_medium",
        "`collected_traffic_source.manual_medium`.",
    ),
    (
        "collected_campaign",
        "`collected_traffic_source.manual_campaign_name`.",
    ),
    (
        "collected_content",
        "`collected_traffic_source.manual_content`.",
    ),
    ("collected_term", "`collected_traffic_source.manual_term`."),
    (
        "click_id_type",
        "Which click id the event carries beside its URL, such as `gclid`.",
    ),
    ("click_id", "That click id."),
    (
        "first_user_source",
        "`traffic_source.source`: what first brought the user, ever.",
    ),
    ("first_user_medium", "`traffic_source.medium`."),
    ("first_user_campaign", "`traffic_source.name`."),
    ("device_category", "desktop, mobile or tablet."),
    ("device_operating_system", "Operating system."),
    ("device_browser", "Browser."),
    ("device_language", "Language."),
    ("geo_country", "Country."),
    ("geo_region", "Region."),
    ("geo_city", "City."),
    ("purchase_revenue", "`ecommerce.purchase_revenue`."),
    (
        "is_purchase_revenue_nan",
        "True where that was there but is no number; else null.",
    ),
    ("value", "Event param `value`."),
    (
        "is_value_nan",
        "True where that was there but is no number; else null.",
    ),
    ("currency", "Event param `currency`, in capitals."),
    (
        "transaction_id",
        "`ecommerce.transaction_id`, else the event param.",
    ),
    ("items", "`items` as JSON text; null where empty."),
    ("event_params", "The other event params, by key."),
    ("user_properties", "User properties, by key."),
    ("event_day", "UTC day of `event_timestamp`."),
];
