-- One row is the conversions of one date, event and currency that first click credits to
-- one channel, source, medium and campaign: those of the earliest click on each path.
with

conversions as (

    select * from int_conversions

),

paths as (

    select * from int_attribution_paths

),

credited as (

    select
        conversions.conversion_event,
        case when paths.conversion_id is null then '(unattributed)' else paths.channel end
            as channel,
        case when paths.conversion_id is null then '(unattributed)' else paths.source end
            as source,
        case when paths.conversion_id is null then '(unattributed)' else paths.medium end
            as medium,
        case when paths.conversion_id is null then '(unattributed)' else paths.campaign end
            as campaign,
        conversions.currency,

        conversions.revenue,

        conversions.conversion_date
    from conversions
    left join paths
        on
            conversions.conversion_id = paths.conversion_id
            and paths.click_position = 1

),

summed as (

    select
        conversion_date,
        conversion_event,
        channel,
        source,
        medium,
        campaign,
        currency,
        count(*) as conversions,
        cast(sum(revenue) as decimal(38, 9)) as revenue
    from credited
    group by
        conversion_date, conversion_event, channel, source, medium, campaign, currency

)

select * from summed
