-- One row is the conversions of one date, event and currency that last click credits to one
-- channel, source, medium and campaign: those of the latest click on each path.
create or replace temp table mart_attribution_last_click as
with

credited as (

    select
        conversions.conversion_date,
        conversions.conversion_event,
        conversions.currency,
        conversions.revenue,
        -- Whole, so that a null campaign of a click is not taken for no click.
        coalesce(
            case
                when paths.conversion_id is not null then {
                    'channel': paths.channel,
                    'source': paths.source,
                    'medium': paths.medium,
                    'campaign': paths.campaign
                }
            end,
            {
                'channel': '(unattributed)',
                'source': '(unattributed)',
                'medium': '(unattributed)',
                'campaign': '(unattributed)'
            }
        ) as click
    from int_conversions as conversions
    left join int_attribution_paths as paths
        on
            conversions.conversion_id = paths.conversion_id
            and paths.click_position = paths.click_count

)

select
    conversion_date,
    conversion_event,
    click['channel'] as channel,
    click['source'] as source,
    click['medium'] as medium,
    click['campaign'] as campaign,
    currency,
    count(*) as conversions,
    sum(revenue) as revenue
from credited
group by all;
