-- One row is one touchpoint on the path to one conversion: of the same user, in the lookback
-- window, both ends included (direct: skip).
create or replace temp table int_attribution_paths as
with

-- Ids and times alone: the windows sort what is here.
eligible as (

    select
        conversions.conversion_id,
        conversions.user_key,
        touchpoints.session_key,
        touchpoints.first_event,
        touchpoints.is_direct,
        touchpoints.touched_at,
        conversions.converted_at
    from int_conversions as conversions
    inner join int_touchpoints as touchpoints
        on
            conversions.user_key = touchpoints.user_key
            and touchpoints.touched_at <= conversions.converted_at
            and touchpoints.touched_at
            >= conversions.converted_at - to_hours(24 * getvariable('lookback_days'))

),

-- All windows share one sort.
positioned as (

    select
        *,
        row_number() over path as position,
        count(*) filter (where not is_direct) over path as not_direct_position,
        count(*) over whole_path as path_length,
        count(*) filter (where not is_direct) over whole_path as not_direct_count
    from eligible
    window
        path as (
            partition by conversion_id
            order by
                touched_at,
                first_event['batch_page_id'] nulls first,
                first_event['batch_ordering_id'] nulls first,
                first_event['batch_event_index'] nulls first,
                first_event['event_id']
            rows between unbounded preceding and current row
        ),
        whole_path as (
            partition by conversion_id
            order by
                touched_at,
                first_event['batch_page_id'] nulls first,
                first_event['batch_ordering_id'] nulls first,
                first_event['batch_event_index'] nulls first,
                first_event['event_id']
            rows between unbounded preceding and unbounded following
        )

)

select
    positioned.conversion_id,
    positioned.user_key,
    positioned.session_key,

    conversions.conversion_event,
    touchpoints.channel,
    touchpoints.source,
    touchpoints.medium,
    touchpoints.campaign,

    position,
    path_length,
    -- A direct touchpoint is no click, unless the path has nothing else.
    case
        when not_direct_count = 0 then position
        when not positioned.is_direct then not_direct_position
    end as click_position,
    case
        when not_direct_count = 0 then path_length
        when not positioned.is_direct then not_direct_count
    end as click_count,
    (epoch_us(positioned.converted_at) - epoch_us(positioned.touched_at)) / 3600000000.0::double
        as hours_before_conversion,

    positioned.is_direct,
    not_direct_count = 0 or not positioned.is_direct as is_click,

    conversions.conversion_date,
    positioned.touched_at,
    positioned.converted_at
from positioned
inner join int_conversions as conversions
    on positioned.conversion_id = conversions.conversion_id
inner join int_touchpoints as touchpoints
    on positioned.session_key = touchpoints.session_key;
