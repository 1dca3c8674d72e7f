"""Flat CSV files to the raw table: cleaned, typed, distinct, sorted, a file a day.

The nested export is left out: to take the params of a list of structs apart by their names,
Polars needs an `explode` and a join for what other engines do in place.
"""

import polars as pl

from text import cleaned, filled, is_no_number, microseconds, money, numeric_id

# Columns of the file, and their names in the raw table.
COLUMNS = {
    "event_date": "event_date",
    "event_timestamp": "event_timestamp",
    "event_name": "event_name",
    "user_id": "user_id",
    "user_pseudo_id": "user_pseudo_id",
    "stream_id": "stream_id",
    "platform": "platform",
    "ga_session_id": "ga_session_id",
    "ga_session_number": "ga_session_number",
    "batch_page_id": "batch_page_id",
    "batch_ordering_id": "batch_ordering_id",
    "batch_event_index": "batch_event_index",
    "page_location": "page_location",
    "page_referrer": "page_referrer",
    "page_title": "page_title",
    "source": "source",
    "medium": "medium",
    "campaign": "campaign",
    "engagement_time_msec": "engagement_time_msec",
    "collected_traffic_source.manual_source": "collected_source",
    "collected_traffic_source.manual_medium": "collected_medium",
    "collected_traffic_source.manual_campaign_name": "collected_campaign",
    "collected_traffic_source.gclid": "click_id",
    "traffic_source.source": "first_user_source",
    "traffic_source.medium": "first_user_medium",
    "traffic_source.name": "first_user_campaign",
    "device.category": "device_category",
    "device.operating_system": "device_operating_system",
    "device.web_info.browser": "device_browser",
    "device.language": "device_language",
    "geo.country": "geo_country",
    "geo.region": "geo_region",
    "geo.city": "geo_city",
    "value": "value",
    "currency": "currency",
    "purchase_revenue": "purchase_revenue",
    "transaction_id": "transaction_id",
    "items": "items",
}
IDS = [
    "user_id",
    "user_pseudo_id",
    "transaction_id",
]
NUMERIC_IDS = [
    "stream_id",
    "ga_session_id",
]
CAMPAIGNS = [
    "source",
    "medium",
    "campaign",
    "collected_source",
    "collected_medium",
    "collected_campaign",
    "click_id",
    "first_user_source",
    "first_user_medium",
    "first_user_campaign",
]
TEXTS = [
    "event_name",
    "platform",
    "page_location",
    "page_referrer",
    "page_title",
    "device_category",
    "device_operating_system",
    "device_browser",
    "device_language",
    "geo_country",
    "geo_region",
    "geo_city",
    "items",
    "engagement_time_msec",
]
NUMBERS = [
    "ga_session_number",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
]
PARAM = "engagement_time_msec"  # the one column that is none of the raw table
IDENTITY = [
    "device_key",
    "stream_id",
    "event_name",
    "event_timestamp",
    "ga_session_id",
    "ga_session_number",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "page_location",
    "page_referrer",
    "page_title",
    "source",
    "medium",
    "campaign",
    "currency",
    "transaction_id",
    "value",
    "click_id",
    "event_params",
]
ORDER = [
    "event_day",
    "device_key",
    "event_timestamp",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "event_id",
]


def ingest(globs, folder):
    """Reads the files of some globs and writes the raw table into a folder."""
    keyed = with_keys(clean(scan(globs)))
    # Once sorted, equal events are neighbours: that is cheaper than `unique`.
    ids = pl.col("event_id")
    distinct = keyed.sort(ORDER, nulls_last=False).filter(ids.ne_missing(ids.shift(1)))
    distinct.sink_parquet(
        pl.PartitionBy(folder, key="event_day", include_key=False),
        compression="zstd",
        compression_level=1,
        mkdir=True,
        engine="streaming",
    )


def scan(globs):
    schema = dict.fromkeys(COLUMNS, pl.String)
    return pl.scan_csv(globs, schema=schema, ignore_errors=True).rename(COLUMNS)


def clean(events):
    value, revenue = pl.col("value"), pl.col("purchase_revenue")
    return events.select(
        microseconds(pl.col("event_timestamp")).cast(pl.Datetime("us")).alias("event_timestamp"),
        *[cleaned(pl.col(name)) for name in IDS + CAMPAIGNS],
        *[numeric_id(pl.col(name)) for name in NUMERIC_IDS],
        *[filled(pl.col(name)) for name in TEXTS],
        *[pl.col(name).cast(pl.Int64, strict=False) for name in NUMBERS],
        money(revenue),
        is_no_number(revenue).alias("is_purchase_revenue_nan"),
        money(value),
        is_no_number(value).alias("is_value_nan"),
        filled(pl.col("currency")).str.to_uppercase(),
    ).filter(
        pl.col("event_timestamp").is_not_null()
        & pl.col("event_name").is_not_null()
        & (pl.col("user_pseudo_id").is_not_null() | pl.col("user_id").is_not_null())
    )


def with_keys(events):
    device = pl.struct(
        pl.col("user_pseudo_id").is_null().alias("is_user"),
        pl.coalesce("user_pseudo_id", "user_id").alias("id"),
    ).hash()
    return (
        events.with_columns(
            device.alias("device_key"),
            json_params().alias("event_params"),
            pl.when(pl.col("click_id").is_not_null()).then(pl.lit("gclid")).alias("click_id_type"),
            pl.col("event_timestamp").dt.date().alias("event_day"),
        )
        .drop(PARAM)
        .with_columns(
            pl.struct(IDENTITY).hash().alias("event_id"),
            pl.when(pl.col("ga_session_id").is_not_null())
            .then(pl.struct("stream_id", "device_key", "ga_session_id").hash())
            .alias("session_key"),
        )
    )


def json_params():
    """The params that have no column, as a JSON object without nulls."""
    escaped = (
        pl.col(PARAM)
        .str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all('"', '\\"', literal=True)
    )
    member = pl.lit(f'{{"{PARAM}":"') + escaped + pl.lit('"}')
    return pl.coalesce(member, pl.lit("{}"))
