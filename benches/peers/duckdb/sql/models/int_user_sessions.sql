-- One row is one session: the events of one device on one stream that share a
-- ga_session_id or, where they have none, follow each other without a longer pause.
create or replace temp table int_user_sessions as
with

-- Few events have no session key, and few columns tell their sessions.
unkeyed_events as (

    select
        device_order,
        device_key,
        stream_id,
        event_timestamp,
        coalesce(
            event_timestamp - lag(event_timestamp) over device
            > to_seconds(getvariable('session_timeout_seconds')),
            true
        ) as is_start
    from raw_ga4_events
    where session_key is null
    window device as (partition by device_key, stream_id order by device_order)

),

started_events as (

    select
        *,
        max(case when is_start then event_timestamp end) over (
            partition by device_key, stream_id
            order by device_order
            rows between unbounded preceding and current row
        ) as inferred_started_at
    from unkeyed_events

),

inferred_keys as (

    select
        device_key,
        device_order,
        hash('inactivity', stream_id, device_key, inferred_started_at) as session_key
    from started_events

),

session_events as (

    select
        events.* replace (coalesce(events.session_key, inferred.session_key) as session_key)
    from stg_ga4_events as events
    left join inferred_keys as inferred
        on
            case when events.session_key is null then events.device_order end
            = inferred.device_order
            and events.device_key = inferred.device_key

),

-- Rows come nearly in order, so a first is rarely replaced: arg_min copies little.
sessions as (

    select
        session_key,
        any_value(device_key) as device_key,
        min(device_order) as session_order,
        arg_min(
            {
                'batch_page_id': batch_page_id,
                'batch_ordering_id': batch_ordering_id,
                'batch_event_index': batch_event_index,
                'event_id': event_id
            },
            device_order
        ) as first_event,
        max(device_order) filter (where user_id is not null) as session_user_order,
        any_value(user_pseudo_id) as user_pseudo_id,
        any_value(stream_id) as stream_id,
        any_value(ga_session_id) as ga_session_id,
        arg_max(user_id, device_order) as session_user_id,
        arg_min(page_location, device_order) as landing_page,
        -- Only where no other event has a source does that of session_start or
        -- first_visit count.
        arg_min(
            {
                'source': source,
                'medium': medium,
                'campaign': campaign,
                'content': content,
                'term': term
            },
            case
                when event_name in ('session_start', 'first_visit')
                    then device_order + (1::bigint << 62)
                else device_order
            end
        ) filter (where has_source) as visit,
        arg_min(device_category, device_order) as device_category,
        arg_min(geo_country, device_order) as geo_country,
        count(*) as event_count,
        count(*) filter (where event_name = 'page_view') as page_view_count,
        min(event_timestamp) as session_started_at,
        max(event_timestamp) as session_ended_at,
        max(event_timestamp) filter (where user_id is not null) as user_seen_at
    from session_events
    group by session_key

),

dated as (

    select
        * exclude (visit, session_started_at, session_ended_at, user_seen_at),
        case when visit is null then '(direct)' else visit['source'] end as source,
        case when visit is null then '(none)' else visit['medium'] end as medium,
        visit['campaign'] as campaign,
        visit['content'] as content,
        visit['term'] as term,
        visit is null as is_direct,
        civil_date(session_started_at) as session_date,
        cast(session_started_at as date) as event_day,
        session_started_at,
        session_ended_at,
        user_seen_at
    from sessions

),

-- Channels are worked out once for each kind of visit, of which there are few.
visits as (

    select
        source,
        medium,
        campaign,
        rules_version(session_date) as version,
        any_value(session_date) as day
    from dated
    group by all

),

channels as (

    select
        visits.source,
        visits.medium,
        visits.campaign,
        visits.version,
        channel_of(
            lower(visits.source), lower(visits.medium), lower(visits.campaign),
            coalesce(whole.category, bare.category, named.category), visits.day
        ) as channel
    from visits
    left join source_categories as whole on lower(trim(visits.source)) = whole.source
    left join source_categories as bare on bare_source(visits.source) = bare.source
    left join source_categories as named on registrable_name(visits.source) = named.source

)

select dated.*, channels.channel
from dated
inner join channels
    on
        dated.source is not distinct from channels.source
        and dated.medium is not distinct from channels.medium
        and dated.campaign is not distinct from channels.campaign
        and rules_version(dated.session_date) = channels.version;
