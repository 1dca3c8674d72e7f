-- One row is one touchpoint on the path to one conversion: of the same user, in the
-- lookback window, both ends included.
with

conversions as (

    select * from int_conversions

),

touchpoints as (

    select * from int_touchpoints

),

eligible as (

    select
        conversions.conversion_id,
        conversions.user_key,
        touchpoints.session_key,
        touchpoints.touchpoint_order,

        conversions.conversion_event,
        touchpoints.channel,
        touchpoints.source,
        touchpoints.medium,
        touchpoints.campaign,

        cast(conversions.converted_at as bigint) - cast(touchpoints.touched_at as bigint)
            as microseconds_before_conversion,

        touchpoints.is_direct,

        conversions.conversion_date,
        touchpoints.touched_at,
        conversions.converted_at
    from conversions
    inner join touchpoints
        on conversions.user_key = touchpoints.user_key
    where
        touchpoints.touched_at <= conversions.converted_at
        and cast(touchpoints.touched_at as bigint)
        >= cast(conversions.converted_at as bigint) - $lookback_days * 86400000000

),

-- Counted from both ends: a window over the whole path would hold the rows of all paths in
-- memory at once.
counted as (

    select
        *,
        row_number() over from_first as position,
        row_number() over from_last as position_from_last,
        count(*) filter (where not is_direct) over from_first as not_direct_position,
        count(*) filter (where not is_direct) over from_last as not_direct_from_last
    from eligible
    window
        from_first as (
            partition by conversion_id
            order by touchpoint_order
            rows between unbounded preceding and current row
        ),
        from_last as (
            partition by conversion_id
            order by touchpoint_order desc
            rows between unbounded preceding and current row
        )

),

positioned as (

    select
        *,
        cast(position + position_from_last as bigint) - 1 as path_length,
        case
            when is_direct then not_direct_position + not_direct_from_last
            else not_direct_position + not_direct_from_last - 1
        end as not_direct_count
    from counted

),

-- A direct touchpoint is no click, unless the path has nothing else, or the project
-- says that it is one.
clicks as (

    select
        *,
        $direct = 'include' or not_direct_count = 0 as is_every_touchpoint_click
    from positioned

),

described as (

    select
        conversion_id,
        user_key,
        session_key,
        touchpoint_order,

        conversion_event,
        channel,
        source,
        medium,
        campaign,

        cast(position as bigint) as position,
        path_length,
        case
            when is_every_touchpoint_click then cast(position as bigint)
            when not is_direct then not_direct_position
        end as click_position,
        case
            when is_every_touchpoint_click then path_length
            when not is_direct then not_direct_count
        end as click_count,
        cast(microseconds_before_conversion as double) / 3600000000.0
            as hours_before_conversion,

        is_direct,
        is_every_touchpoint_click or not is_direct as is_click,

        conversion_date,
        touched_at,
        converted_at
    from clicks

)

select * from described
