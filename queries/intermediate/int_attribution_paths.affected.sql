-- One row is a conversion_date to rebuild: a date whose conversions changed, or with a
-- conversion of a user one of whose touchpoints in its lookback window changed.
with

changed_touchpoints as (

    (
        select user_key, session_key, touchpoint_order, channel, source, medium,
            campaign, is_direct, touched_at
        from after_int_touchpoints
        except
        select user_key, session_key, touchpoint_order, channel, source, medium,
            campaign, is_direct, touched_at
        from before_int_touchpoints
    )

    union all

    (
        select user_key, session_key, touchpoint_order, channel, source, medium,
            campaign, is_direct, touched_at
        from before_int_touchpoints
        except
        select user_key, session_key, touchpoint_order, channel, source, medium,
            campaign, is_direct, touched_at
        from after_int_touchpoints
    )

)

select conversion_date from after_int_conversions

union

select conversion_date from before_int_conversions

union

select conversions.conversion_date
from int_conversions as conversions
inner join changed_touchpoints
    on conversions.user_key = changed_touchpoints.user_key
where
    changed_touchpoints.touched_at <= conversions.converted_at
    and cast(changed_touchpoints.touched_at as bigint)
    >= cast(conversions.converted_at as bigint) - $lookback_days * 86400000000
