-- One row is one session: the events of one device on one stream that share a
-- ga_session_id or, where they have none, follow each other without a gap of more than
-- the session timeout.
with

events as (

    select * from stg_ga4_events

),

unkeyed_events as (

    select
        *,
        cast(event_timestamp as bigint) - cast(
            lag(event_timestamp) over (
                partition by device_key, stream_id
                order by event_order
                rows between unbounded preceding and current row
            ) as bigint
        ) as gap_microseconds
    from events
    where session_key is null

),

-- An unkeyed event's session starts at the latest event so far that follows a gap.
started_events as (

    select
        *,
        max(
            case
                when gap_microseconds <= $session_timeout_seconds * 1000000 then null
                else event_timestamp
            end
        ) over (
            partition by device_key, stream_id
            order by event_order
            rows between unbounded preceding and current row
        ) as inferred_started_at
    from unkeyed_events

),

session_events as (

    select
        session_key,
        device_key,
        event_order,
        user_id,
        user_pseudo_id,
        stream_id,
        ga_session_id,
        event_name,
        page_location,
        source,
        medium,
        campaign,
        content,
        term,
        device_category,
        geo_country,
        has_source,
        event_timestamp
    from events
    where session_key is not null

    union all

    select
        key64(
            'inactivity',
            stream_id,
            cast(device_key as varchar),
            cast(cast(inferred_started_at as bigint) as varchar)
        ) as session_key,
        device_key,
        event_order,
        user_id,
        user_pseudo_id,
        stream_id,
        ga_session_id,
        event_name,
        page_location,
        source,
        medium,
        campaign,
        content,
        term,
        device_category,
        geo_country,
        has_source,
        event_timestamp
    from started_events

),

-- Only where no other event of the session has a source does that of session_start or
-- first_visit count: they come last in source_order.
ordered_events as (

    select
        *,
        case
            when event_name in ('session_start', 'first_visit') then 1
            else 0
        end as source_order
    from session_events

),

sessions as (

    select
        session_key,
        min(device_key) as device_key,
        min(event_order) as session_order,
        max(event_order) filter (where user_id is not null) as session_user_order,
        min(user_pseudo_id) as user_pseudo_id,
        min(stream_id) as stream_id,
        min(ga_session_id) as ga_session_id,
        last_value(user_id order by event_order)
            filter (where user_id is not null) as session_user_id,
        first_value(page_location order by event_order)
            filter (where page_location is not null) as landing_page,
        first_value(source order by source_order, event_order)
            filter (where has_source) as source,
        first_value(medium order by source_order, event_order)
            filter (where has_source) as medium,
        first_value(campaign order by source_order, event_order)
            filter (where has_source) as campaign,
        first_value(content order by source_order, event_order)
            filter (where has_source) as content,
        first_value(term order by source_order, event_order)
            filter (where has_source) as term,
        first_value(device_category order by event_order)
            filter (where device_category is not null) as device_category,
        first_value(geo_country order by event_order)
            filter (where geo_country is not null) as geo_country,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        count(*) filter (where has_source) = 0 as is_direct,
        min(event_timestamp) as session_started_at,
        max(event_timestamp) as session_ended_at,
        max(event_timestamp) filter (where user_id is not null) as user_seen_at
    from ordered_events
    group by session_key

),

dated as (

    select
        session_key,
        device_key,
        session_order,
        session_user_order,
        session_user_id,
        user_pseudo_id,
        stream_id,
        ga_session_id,

        landing_page,
        case when is_direct then '(direct)' else source end as source,
        case when is_direct then '(none)' else medium end as medium,
        campaign,
        content,
        term,
        device_category,
        geo_country,

        event_count,
        page_view_count,

        is_direct,

        civil_date(session_started_at, $timezone) as session_date,
        civil_date(session_started_at, 'UTC') as event_day,
        session_started_at,
        session_ended_at,
        user_seen_at
    from sessions

)

select
    *,
    channel(source, medium, campaign, session_date) as channel
from dated
