"""Sessions, touchpoints, conversions, paths and the marts of clicks, from the raw table.

Left out: the reconciliation, and `content` and `term`.
"""

import polars as pl

from sources import PARTS

DAY_MICROSECONDS = 86_400_000_000
ORDER = ["event_timestamp", "batch_page_id", "batch_ordering_id", "batch_event_index", "event_id"]
UNATTRIBUTED = "(unattributed)"


def read_events(raw):
    """The raw table; `device_order` is the total order of events within a device."""
    return pl.scan_parquet(f"{raw}/*/*.parquet", hive_partitioning=True).with_row_index(
        "device_order"
    )


def sessions(raw, sources, session_timeout_seconds):
    keyed = sources.of_events(read_events(raw)).with_columns(
        pl.col("visit").is_not_null().alias("has_source")
    )
    unkeyed = (
        keyed.filter(pl.col("session_key").is_null())
        .sort("device_order")
        .with_columns(
            pl.col("event_timestamp").diff().over("device_key", "stream_id").alias("gap")
        )
        .with_columns(
            pl.when(
                pl.col("gap").is_null()
                | (pl.col("gap") > pl.duration(seconds=session_timeout_seconds))
            )
            .then("event_timestamp")
            .forward_fill()
            .over("device_key", "stream_id")
            .alias("inferred_started_at")
        )
        .with_columns(
            pl.struct(
                pl.lit("inactivity").alias("by"),
                "stream_id",
                "device_key",
                "inferred_started_at",
            )
            .hash()
            .alias("session_key")
        )
        .drop("gap", "inferred_started_at")
    )
    events = pl.concat([keyed.filter(pl.col("session_key").is_not_null()), unkeyed])
    order = pl.col("device_order").cast(pl.Int64)

    def first(expression, where, by=order):
        return expression.filter(where).get((by).filter(where).arg_min(), null_on_oob=True)

    def first_not_null(name):
        return first(pl.col(name), pl.col(name).is_not_null()).alias(name)

    late_order = order + pl.col("event_name").is_in(["session_start", "first_visit"]).cast(
        pl.Int64
    ) * (1 << 40)
    has_user = pl.col("user_id").is_not_null()
    grouped = events.group_by("session_key").agg(
        pl.col("device_key").first(),
        order.min().alias("session_order"),
        order.filter(has_user).max().alias("session_user_order"),
        *[pl.col(name).get(order.arg_min()) for name in ORDER[1:]],
        pl.col("user_pseudo_id", "stream_id", "ga_session_id").first(),
        pl.col("user_id")
        .filter(has_user)
        .get(order.filter(has_user).arg_max(), null_on_oob=True)
        .alias("session_user_id"),
        first_not_null("page_location").alias("landing_page"),
        first(pl.col("visit"), pl.col("has_source"), late_order).alias("visit"),
        first_not_null("device_category"),
        first_not_null("geo_country"),
        pl.len().cast(pl.Int64).alias("event_count"),
        (pl.col("event_name") == "page_view").sum().cast(pl.Int64).alias("page_view_count"),
        (~pl.col("has_source").any()).alias("is_direct"),
        pl.col("event_timestamp").min().alias("session_started_at"),
        pl.col("event_timestamp").max().alias("session_ended_at"),
        pl.col("event_timestamp").filter(has_user).max().alias("user_seen_at"),
    )
    is_direct = pl.col("is_direct")
    visit = pl.col("visit").struct
    dated = grouped.with_columns(
        source=pl.when(is_direct).then(pl.lit("(direct)")).otherwise(visit.field("source")),
        medium=pl.when(is_direct).then(pl.lit("(none)")).otherwise(visit.field("medium")),
        campaign=pl.when(~is_direct).then(visit.field("campaign")),
    ).with_columns(
        pl.col("session_started_at").dt.date().alias("session_date"),
        pl.col("session_started_at").dt.date().alias("event_day"),
    ).drop("visit")
    return sources.channels(dated.collect(engine="streaming").lazy()).collect()


def identities(sessions):
    return (
        sessions.lazy()
        .filter(pl.col("session_user_id").is_not_null() & pl.col("user_pseudo_id").is_not_null())
        .group_by("device_key")
        .agg(
            pl.col("user_pseudo_id").first(),
            pl.col("session_user_id").get(pl.col("session_user_order").arg_max()).alias("user_id"),
            pl.col("user_seen_at").max(),
        )
        .collect()
    )


def _user_key(user_id):
    return pl.struct(
        user_id.is_not_null().alias("is_user"),
        pl.coalesce(user_id, "user_pseudo_id").alias("id"),
    ).hash()


def touchpoints(sessions, identities):
    users = identities.lazy().select("device_key", pl.col("user_id").alias("device_user_id"))
    source = (
        pl.when(pl.col("session_user_id").is_not_null())
        .then(pl.lit("session"))
        .when(pl.col("device_user_id").is_not_null())
        .then(pl.lit("device_user"))
        .otherwise(pl.lit("device"))
    )
    return (
        sessions.lazy()
        .join(users, on="device_key", how="left")
        .with_columns(pl.coalesce("session_user_id", "device_user_id").alias("user_id"))
        .select(
            "session_key",
            _user_key(pl.col("user_id")).alias("user_key"),
            "device_key",
            "user_id",
            "user_pseudo_id",
            "stream_id",
            source.alias("user_key_source"),
            "channel",
            *PARTS,
            "landing_page",
            "device_category",
            "geo_country",
            "is_direct",
            pl.col("session_date").alias("touchpoint_date"),
            pl.col("session_started_at").alias("touched_at"),
            *ORDER[1:],
        )
        .collect()
    )


def conversion_events(raw, names):
    zero = pl.lit(0).cast(pl.Decimal(38, 9))
    revenue = (
        pl.when(pl.col("purchase_revenue").is_not_null())
        .then("purchase_revenue")
        .when(pl.col("is_purchase_revenue_nan"))
        .then(zero)
        .otherwise(pl.coalesce("value", zero))
    )
    is_nan = pl.coalesce("is_purchase_revenue_nan", "is_value_nan", pl.lit(False))
    return (
        read_events(raw)
        .filter(pl.col("event_name").is_in(names))
        .select(
            "device_key",
            "session_key",
            "user_id",
            "user_pseudo_id",
            "stream_id",
            "transaction_id",
            "event_name",
            "currency",
            revenue.alias("revenue"),
            (pl.col("purchase_revenue").is_null() & is_nan).alias("is_revenue_nan"),
            pl.col("event_timestamp").dt.date().alias("event_date"),
            *ORDER,
        )
        .collect()
    )


def conversions(events, sessions, identities):
    named = events.filter(pl.col("transaction_id").is_not_null())
    first_reports = named.sort(ORDER, nulls_last=False).unique(
        ["stream_id", "transaction_id"], keep="first", maintain_order=True
    )
    converted = pl.concat([first_reports, events.filter(pl.col("transaction_id").is_null())])
    keyed = converted.filter(pl.col("session_key").is_not_null()).join(
        sessions.select("session_key", "session_user_id"), on="session_key", how="left"
    )
    inferred = sessions.filter(pl.col("ga_session_id").is_null()).select(
        "device_key", "stream_id", "session_user_id", "session_started_at", "session_ended_at"
    )
    # A device has few inferred sessions: those around the event are picked after the join.
    unkeyed = (
        converted.filter(pl.col("session_key").is_null())
        .join(inferred, on=["device_key", "stream_id"], how="left", nulls_equal=True)
        .filter(
            pl.col("session_started_at").is_null()
            | pl.col("event_timestamp").is_between("session_started_at", "session_ended_at")
        )
        .drop("session_started_at", "session_ended_at")
    )
    users = identities.select("device_key", pl.col("user_id").alias("device_user_id"))
    source = (
        pl.when(pl.col("user_id").is_not_null())
        .then(pl.lit("event"))
        .when(pl.col("session_user_id").is_not_null())
        .then(pl.lit("session"))
        .when(pl.col("device_user_id").is_not_null())
        .then(pl.lit("device_user"))
        .otherwise(pl.lit("device"))
    )
    return (
        pl.concat([keyed, unkeyed])
        .join(users, on="device_key", how="left")
        .with_columns(source.alias("user_key_source"))
        .with_columns(
            pl.coalesce("user_id", "session_user_id", "device_user_id").alias("user_id")
        )
        .select(
            pl.col("event_id").alias("conversion_id"),
            _user_key(pl.col("user_id")).alias("user_key"),
            "device_key",
            "session_key",
            "user_id",
            "user_pseudo_id",
            "stream_id",
            "transaction_id",
            "user_key_source",
            pl.col("event_name").alias("conversion_event"),
            "currency",
            "revenue",
            "is_revenue_nan",
            pl.col("event_date").alias("conversion_date"),
            pl.col("event_timestamp").alias("converted_at"),
        )
    )


def paths(conversions, touchpoints, lookback_days):
    """A row for each touchpoint on the path to a conversion."""
    lookback = pl.duration(microseconds=lookback_days * DAY_MICROSECONDS)
    touched, converted = pl.col("touched_at"), pl.col("converted_at")
    is_direct = pl.col("is_direct")
    eligible = (
        conversions.lazy()
        .select(
            "conversion_id", "user_key", "conversion_event", "conversion_date", "converted_at"
        )
        .join(
            touchpoints.lazy().select(
                "user_key", "session_key", "touched_at", "is_direct", "channel", *PARTS, *ORDER[1:]
            ),
            on="user_key",
        )
        .filter((touched <= converted) & (touched >= converted - lookback))
        .sort("conversion_id", "touched_at", *ORDER[1:], nulls_last=False)
    )
    counted = eligible.with_columns(
        pl.int_range(1, pl.len() + 1).over("conversion_id").alias("position"),
        pl.len().over("conversion_id").cast(pl.Int64).alias("path_length"),
        (~is_direct).cast(pl.Int64).cum_sum().over("conversion_id").alias("not_direct_position"),
        (~is_direct).cast(pl.Int64).sum().over("conversion_id").alias("not_direct_count"),
    )
    # Direct is no click, unless the path has nothing else.
    is_all = pl.col("not_direct_count") == 0

    def of_clicks(of_all, of_not_direct):
        return (
            pl.when(is_all)
            .then(of_all)
            .when(~is_direct)
            .then(of_not_direct)
        )

    return (
        counted.with_columns(
            of_clicks("position", "not_direct_position").alias("click_position"),
            of_clicks("path_length", "not_direct_count").alias("click_count"),
            (is_all | ~is_direct).alias("is_click"),
            (
                (converted - touched).dt.total_microseconds().cast(pl.Float64) / 3_600_000_000
            ).alias("hours_before_conversion"),
        )
        .drop("not_direct_position", "not_direct_count", *ORDER[1:])
        .collect()
    )


def mart(conversions, clicks):
    """Conversions and revenue by what is credited; `clicks` is one row a conversion."""
    names = ["channel", *PARTS]
    is_click = pl.col("is_click").fill_null(False)
    return (
        conversions.lazy()
        .join(clicks.select("conversion_id", *names, "is_click"), on="conversion_id", how="left")
        .with_columns(
            pl.when(is_click).then(pl.col(name)).otherwise(pl.lit(UNATTRIBUTED)).alias(name)
            for name in names
        )
        .group_by("conversion_date", "conversion_event", *names, "currency")
        .agg(pl.len().cast(pl.Int64).alias("conversions"), pl.col("revenue").sum())
        .collect()
    )


def first_click(conversions, paths):
    return mart(conversions, paths.lazy().filter(pl.col("click_position") == 1))


def last_click(conversions, paths):
    return mart(
        conversions, paths.lazy().filter(pl.col("click_position") == pl.col("click_count"))
    )
