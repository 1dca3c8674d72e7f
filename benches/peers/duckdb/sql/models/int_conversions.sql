-- One row is one conversion of one user. A transaction that was reported more than once on
-- a stream is one conversion: the earliest.
create or replace temp table int_conversions as
with

ranked as (

    select
        *,
        row_number() over (
            partition by stream_id, transaction_id
            order by
                event_timestamp,
                batch_page_id nulls first,
                batch_ordering_id nulls first,
                batch_event_index nulls first,
                event_id
        ) as report
    from int_conversion_events

),

conversions as (

    select *
    from ranked
    -- Without a transaction id nothing says that two events are one conversion.
    where report = 1 or transaction_id is null

),

in_sessions as (

    select
        conversions.*,
        coalesce(keyed.session_user_id, inferred.session_user_id) as session_user_id
    from conversions
    left join int_user_sessions as keyed
        on conversions.session_key = keyed.session_key
    -- Where the event names no session, it is in the inferred one around it.
    left join (select * from int_user_sessions where ga_session_id is null) as inferred
        on
            conversions.session_key is null
            and conversions.device_key = inferred.device_key
            and conversions.stream_id is not distinct from inferred.stream_id
            and conversions.event_timestamp >= inferred.session_started_at
            and conversions.event_timestamp <= inferred.session_ended_at

),

identified as (

    select
        in_sessions.* exclude (user_id),
        coalesce(
            in_sessions.user_id, in_sessions.session_user_id, identities.user_id
        ) as user_id,
        case
            when in_sessions.user_id is not null then 'event'
            when in_sessions.session_user_id is not null then 'session'
            when identities.user_id is not null then 'device_user'
            else 'device'
        end as user_key_source
    from in_sessions
    left join int_user_identities as identities
        on in_sessions.device_key = identities.device_key

)

select
    event_id as conversion_id,
    case
        when user_id is not null then hash('user', user_id)
        else hash('device', user_pseudo_id)
    end as user_key,
    device_key,
    session_key,
    user_id,
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
from identified;
