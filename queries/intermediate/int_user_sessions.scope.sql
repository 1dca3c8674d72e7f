-- One row is a device's UTC day whose sessions must be computed anew: the days on which
-- its events changed, and every day of each session that one of those events names or that
-- comes within the session timeout of such a day. The engine runs it again, with its result
-- as `scope`, until it no longer grows. `this` is the table as it was built last.
with

changed_events as (

    (
        select event_id, content_hash, session_key, device_key, event_day
        from after_raw_ga4_events
        except
        select event_id, content_hash, session_key, device_key, event_day
        from before_raw_ga4_events
    )

    union all

    (
        select event_id, content_hash, session_key, device_key, event_day
        from before_raw_ga4_events
        except
        select event_id, content_hash, session_key, device_key, event_day
        from after_raw_ga4_events
    )

),

touched_sessions as (

    -- A ga_session_id can come back days later.
    select
        this.device_key,
        cast(this.session_started_at as date) as first_day,
        cast(this.session_ended_at as date) as last_day
    from this
    left semi join changed_events
        on this.session_key = changed_events.session_key

    union all

    select
        this.device_key,
        cast(this.session_started_at as date) as first_day,
        cast(this.session_ended_at as date) as last_day
    from this
    inner join scope
        on this.device_key = scope.device_key
    where
        cast(this.session_started_at as bigint) - $session_timeout_seconds * 1000000
        < (cast(scope.event_day as bigint) + 1) * 86400000000
        and cast(this.session_ended_at as bigint) + $session_timeout_seconds * 1000000
        >= cast(scope.event_day as bigint) * 86400000000

)

select device_key, event_day from changed_events

union

select device_key, event_day from scope

union

select
    device_key,
    unnest(range(first_day, last_day + interval '1 day', interval '1 day')) as event_day
from touched_sessions
