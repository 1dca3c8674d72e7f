-- One row is one touchpoint: a session, seen as the click of a user.
with

sessions as (

    select * from int_user_sessions

),

identities as (

    select * from int_user_identities

),

identified as (

    select
        sessions.*,
        identities.user_id as device_user_id,
        case
            when $identity = 'device' then
                case when sessions.user_pseudo_id is not null then 'device' end
            when sessions.session_user_id is not null then 'session'
            when $identity = 'user_id' then null
            when identities.user_id is not null then 'device_user'
            else 'device'
        end as user_key_source
    from sessions
    left join identities
        on sessions.device_key = identities.device_key

),

touchpoints as (

    select
        session_key,
        case user_key_source
            when 'session' then key64('user', session_user_id)
            when 'device_user' then key64('user', device_user_id)
            when 'device' then key64('device', user_pseudo_id)
        end as user_key,
        session_order as touchpoint_order,
        device_key,
        case user_key_source
            when 'session' then session_user_id
            when 'device_user' then device_user_id
        end as user_id,
        user_pseudo_id,
        stream_id,

        user_key_source,
        channel,
        source,
        medium,
        campaign,
        content,
        term,
        landing_page,
        device_category,
        geo_country,

        is_direct,

        session_date as touchpoint_date,
        session_started_at as touched_at
    from identified

)

select * from touchpoints
