-- One row is a conversion_date to rebuild: a date whose conversions changed, with a path
-- that a changed touchpoint is on, or with a conversion that one may be on now. A touchpoint
-- changes with its session and with the user of its device. `this` is the table as it was
-- built last.
with

changed_sessions as (

    (
        select session_key, device_key, session_order, session_user_id, user_pseudo_id,
            channel, source, medium, campaign, is_direct, session_started_at
        from after_int_user_sessions
        except
        select session_key, device_key, session_order, session_user_id, user_pseudo_id,
            channel, source, medium, campaign, is_direct, session_started_at
        from before_int_user_sessions
    )

    union all

    (
        select session_key, device_key, session_order, session_user_id, user_pseudo_id,
            channel, source, medium, campaign, is_direct, session_started_at
        from before_int_user_sessions
        except
        select session_key, device_key, session_order, session_user_id, user_pseudo_id,
            channel, source, medium, campaign, is_direct, session_started_at
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

),

changed_keys as (

    select session_key from changed_sessions

    union

    select sessions.session_key
    from int_user_sessions as sessions
    left semi join changed_devices
        on sessions.device_key = changed_devices.device_key
    where sessions.session_user_id is null

),

changed_touchpoints as (

    select touchpoints.user_key, touchpoints.touched_at
    from int_touchpoints as touchpoints
    left semi join changed_keys
        on touchpoints.session_key = changed_keys.session_key

)

select conversion_date from after_int_conversions

union

select conversion_date from before_int_conversions

union

select this.conversion_date
from this
left semi join changed_keys
    on this.session_key = changed_keys.session_key

union

select conversions.conversion_date
from int_conversions as conversions
inner join changed_touchpoints
    on conversions.user_key = changed_touchpoints.user_key
where
    changed_touchpoints.touched_at <= conversions.converted_at
    and cast(changed_touchpoints.touched_at as bigint)
    >= cast(conversions.converted_at as bigint) - $lookback_days * 86400000000
