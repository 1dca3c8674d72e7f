-- One row is a conversion_date to rebuild: a date whose conversion events changed, or with
-- a conversion that shares a transaction, a session or a device with something that did.
with

changed_conversion_events as (

    select event_date, stream_id, transaction_id from after_int_conversion_events

    union all

    select event_date, stream_id, transaction_id from before_int_conversion_events

),

changed_sessions as (

    (
        select session_key, device_key, stream_id, ga_session_id, session_user_id,
            session_started_at, session_ended_at
        from after_int_user_sessions
        except
        select session_key, device_key, stream_id, ga_session_id, session_user_id,
            session_started_at, session_ended_at
        from before_int_user_sessions
    )

    union all

    (
        select session_key, device_key, stream_id, ga_session_id, session_user_id,
            session_started_at, session_ended_at
        from before_int_user_sessions
        except
        select session_key, device_key, stream_id, ga_session_id, session_user_id,
            session_started_at, session_ended_at
        from after_int_user_sessions
    )

),

changed_devices as (

    (
        select device_key, user_id from after_int_user_identities
        except
        select device_key, user_id from before_int_user_identities
    )

    union all

    (
        select device_key, user_id from before_int_user_identities
        except
        select device_key, user_id from after_int_user_identities
    )

)

select event_date as conversion_date from changed_conversion_events

union

select conversion_events.event_date
from int_conversion_events as conversion_events
inner join changed_conversion_events
    on
        (conversion_events.stream_id is not distinct from changed_conversion_events.stream_id)
        and conversion_events.transaction_id = changed_conversion_events.transaction_id

union

select conversion_events.event_date
from int_conversion_events as conversion_events
left semi join changed_sessions
    on conversion_events.session_key = changed_sessions.session_key

union

select conversion_events.event_date
from int_conversion_events as conversion_events
left semi join changed_sessions
    on conversion_events.device_key = changed_sessions.device_key
where conversion_events.session_key is null

union

select conversion_events.event_date
from int_conversion_events as conversion_events
left semi join changed_devices
    on conversion_events.device_key = changed_devices.device_key
