-- One row is a touchpoint_date to rebuild: a date on which a session changed, or with a
-- session that takes its user from a device whose user became another.
with

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

select session_date as touchpoint_date from after_int_user_sessions

union

select session_date from before_int_user_sessions

union

select sessions.session_date
from int_user_sessions as sessions
left semi join changed_devices
    on sessions.device_key = changed_devices.device_key
where sessions.session_user_id is null
