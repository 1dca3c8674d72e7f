-- One row is one event whose name is a conversion's, before repeated transactions are taken
-- together.
create or replace temp table int_conversion_events as
select
    event_id,
    device_order,
    device_key,
    session_key,
    user_id,
    user_pseudo_id,
    stream_id,
    transaction_id,

    event_name,
    currency,

    batch_page_id,
    batch_ordering_id,
    batch_event_index,
    revenue,

    is_revenue_nan,

    event_date,
    event_timestamp
from stg_ga4_events
where event_name in ('purchase');
