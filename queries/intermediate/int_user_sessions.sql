-- One row is one session: the events of one device on one stream that share a
-- ga_session_id or, where they have none, follow each other without a gap of more than
-- the session timeout.
with

events as (

    select * from stg_ga4_events

),

-- Events of one device and moment are in one session.
unkeyed_moments as (

    select distinct
        device_key,
        stream_id,
        event_timestamp
    from events
    where session_key is null

),

timed_moments as (

    select
        *,
        cast(event_timestamp as bigint) - cast(
            lag(event_timestamp) over (
                partition by device_key, stream_id
                order by event_timestamp
                rows between unbounded preceding and current row
            ) as bigint
        ) as gap_microseconds
    from unkeyed_moments

),

-- An unkeyed event's session starts at the latest event so far that follows a gap.
started_moments as (

    select
        *,
        max(
            case
                when gap_microseconds <= $session_timeout_seconds * 1000000 then null
                else event_timestamp
            end
        ) over (
            partition by device_key, stream_id
            order by event_timestamp
            rows between unbounded preceding and current row
        ) as inferred_started_at
    from timed_moments

),

inferred_sessions as (

    select
        key64(
            stream_id,
            cast(device_key as varchar),
            cast(cast(event_timestamp as bigint) as varchar)
        ) as moment_key,
        key64(
            'inactivity',
            stream_id,
            cast(device_key as varchar),
            cast(cast(inferred_started_at as bigint) as varchar)
        ) as session_key
    from started_moments

),

session_events as (

    select
        coalesce(events.session_key, inferred_sessions.session_key) as session_key,
        events.device_key,
        events.event_order,
        events.user_id,
        events.user_pseudo_id,
        events.stream_id,
        events.ga_session_id,
        events.event_name,
        events.page_location,
        events.source,
        events.medium,
        events.campaign,
        events.content,
        events.term,
        events.device_category,
        events.geo_country,
        events.has_source,
        events.event_timestamp
    from events
    left join inferred_sessions
        on
            case
                when events.session_key is null
                    then
                        key64(
                            events.stream_id,
                            cast(events.device_key as varchar),
                            cast(cast(events.event_timestamp as bigint) as varchar)
                        )
            end = inferred_sessions.moment_key

),

sessions as (

    select
        session_key,
        arg_min(
            named_struct(
                'device_key', device_key,
                'event_order', event_order,
                'user_pseudo_id', user_pseudo_id,
                'stream_id', stream_id,
                'ga_session_id', ga_session_id
            ),
            event_order
        ) as first_event,
        arg_max(
            named_struct(
                'event_order', event_order,
                'user_id', user_id,
                'event_timestamp', event_timestamp
            ),
            event_order
        ) filter (where user_id is not null) as latest_user,
        -- Only where no other event of the session has a source does that of session_start
        -- or first_visit count.
        arg_min(
            named_struct(
                'source', source,
                'medium', medium,
                'campaign', campaign,
                'content', content,
                'term', term
            ),
            event_name in ('session_start', 'first_visit'),
            event_order
        ) filter (where has_source) as first_source,
        arg_min(page_location, event_order)
            filter (where page_location is not null) as landing_page,
        arg_min(device_category, event_order)
            filter (where device_category is not null) as device_category,
        arg_min(geo_country, event_order)
            filter (where geo_country is not null) as geo_country,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        min(event_timestamp) as session_started_at,
        max(event_timestamp) as session_ended_at
    from session_events
    group by session_key

),

dated as (

    select
        session_key,
        first_event['device_key'] as device_key,
        first_event['event_order'] as session_order,
        latest_user['event_order'] as session_user_order,
        latest_user['user_id'] as session_user_id,
        first_event['user_pseudo_id'] as user_pseudo_id,
        first_event['stream_id'] as stream_id,
        first_event['ga_session_id'] as ga_session_id,

        landing_page,
        case when first_source is null then '(direct)' else first_source['source'] end
            as source,
        case when first_source is null then '(none)' else first_source['medium'] end
            as medium,
        first_source['campaign'] as campaign,
        first_source['content'] as content,
        first_source['term'] as term,
        device_category,
        geo_country,

        event_count,
        page_view_count,

        first_source is null as is_direct,

        civil_date(session_started_at, $timezone) as session_date,
        civil_date(session_started_at, 'UTC') as event_day,
        session_started_at,
        session_ended_at,
        latest_user['event_timestamp'] as user_seen_at
    from sessions

)

select
    *,
    channel(source, medium, campaign, session_date) as channel
from dated
