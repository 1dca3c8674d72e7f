-- One row is one device on which a user_id was seen, with the user_id seen latest.
with

sessions as (

    select * from int_user_sessions

),

latest as (

    select
        device_key,
        min(user_pseudo_id) as user_pseudo_id,
        last_value(session_user_id order by session_user_order) as user_id,
        max(user_seen_at) as user_seen_at
    from sessions
    where
        session_user_id is not null
        -- An event with no user_pseudo_id stands for no device.
        and user_pseudo_id is not null
    group by device_key

)

select * from latest
