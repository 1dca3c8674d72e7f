-- One row is one touchpoint: a session, seen as the click of a user (identity: stitched).
create or replace temp view int_touchpoints as
with

identified as (

    select
        sessions.*,
        coalesce(sessions.session_user_id, identities.user_id) as user_id,
        case
            when sessions.session_user_id is not null then 'session'
            when identities.user_id is not null then 'device_user'
            else 'device'
        end as user_key_source
    from int_user_sessions as sessions
    left join int_user_identities as identities
        on sessions.device_key = identities.device_key

)

select
    session_key,
    case
        when user_id is not null then hash('user', user_id)
        else hash('device', user_pseudo_id)
    end as user_key,
    session_order,
    first_event,
    device_key,
    user_id,
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
from identified;
