-- One row is one device on which a user_id was seen, with the user_id seen latest.
create or replace temp table int_user_identities as
select
    device_key,
    any_value(user_pseudo_id) as user_pseudo_id,
    arg_max(session_user_id, session_user_order) as user_id,
    max(user_seen_at) as user_seen_at
from int_user_sessions
where
    session_user_id is not null
    -- An event with no user_pseudo_id stands for no device.
    and user_pseudo_id is not null
group by device_key;
