"""The tables that are compared, in the order in which they are built."""

RAW = "raw_ga4_events"
TABLES = [
    RAW,
    "int_user_sessions",
    "int_user_identities",
    "int_touchpoints",
    "int_conversion_events",
    "int_conversions",
    "int_attribution_paths",
    "mart_attribution_first_click",
    "mart_attribution_last_click",
    "mart_attribution_reconciliation",
]
# Polars leaves the reconciliation out.
OF_PEER = {"duckdb": TABLES, "polars": TABLES[:-1]}
