-- One row is one conversion of one user. A transaction that was reported more than once
-- on a stream is one conversion: the earliest.
with

conversion_events as (

    select * from int_conversion_events

),

sessions as (

    select * from int_user_sessions

),

identities as (

    select * from int_user_identities

),

first_reports as (

    select min(event_order) as event_order
    from conversion_events
    where transaction_id is not null
    group by stream_id, transaction_id

),

conversions as (

    select conversion_events.*
    from conversion_events
    left semi join first_reports
        on conversion_events.event_order = first_reports.event_order

    union all

    -- Without a transaction id nothing says that two events are one conversion.
    select *
    from conversion_events
    where transaction_id is null

),

in_sessions as (

    select
        conversions.*,
        sessions.session_user_id
    from conversions
    left join sessions
        on conversions.session_key = sessions.session_key
    where conversions.session_key is not null

    union all

    -- Where the event names no session, it is in the inferred one around it.
    select
        conversions.*,
        sessions.session_user_id
    from conversions
    left join sessions
        on
            conversions.device_key = sessions.device_key
            and (conversions.stream_id is not distinct from sessions.stream_id)
            and sessions.ga_session_id is null
            and conversions.event_timestamp >= sessions.session_started_at
            and conversions.event_timestamp <= sessions.session_ended_at
    where conversions.session_key is null

),

identified as (

    select
        in_sessions.*,
        identities.user_id as device_user_id,
        case
            when $identity = 'device' then
                case when in_sessions.user_pseudo_id is not null then 'device' end
            when in_sessions.user_id is not null then 'event'
            when $identity = 'user_id' then null
            when in_sessions.session_user_id is not null then 'session'
            when identities.user_id is not null then 'device_user'
            else 'device'
        end as user_key_source
    from in_sessions
    left join identities
        on in_sessions.device_key = identities.device_key

)

select
    event_id as conversion_id,
    case user_key_source
        when 'event' then key64('user', user_id)
        when 'session' then key64('user', session_user_id)
        when 'device_user' then key64('user', device_user_id)
        when 'device' then key64('device', user_pseudo_id)
    end as user_key,
    event_order as conversion_order,
    device_key,
    session_key,
    case user_key_source
        when 'event' then user_id
        when 'session' then session_user_id
        when 'device_user' then device_user_id
    end as user_id,
    user_pseudo_id,
    stream_id,
    transaction_id,

    user_key_source,
    event_name as conversion_event,
    currency,

    revenue,

    is_revenue_nan,

    event_date as conversion_date,
    event_timestamp as converted_at
from identified
