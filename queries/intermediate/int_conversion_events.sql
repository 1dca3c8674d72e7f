-- One row is one event whose name is a conversion's, before repeated transactions are
-- taken together.
with

events as (

    select * from stg_ga4_events

),

conversion_events as (

    select
        event_id,
        event_order,
        device_key,
        session_key,
        user_id,
        user_pseudo_id,
        stream_id,
        transaction_id,

        event_name,
        currency,

        revenue,

        is_revenue_nan,

        event_date,
        event_timestamp
    from events
    where array_has($conversion_events, event_name)

)

select * from conversion_events
