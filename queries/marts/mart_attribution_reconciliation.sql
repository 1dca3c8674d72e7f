-- One row is what one model makes of one date's conversions in one currency: what went
-- in, what it credited to a click and what it could not. In = credited + unattributed.
with

conversions as (

    select * from int_conversions

),

first_click as (

    select * from mart_attribution_first_click

),

last_click as (

    select * from mart_attribution_last_click

),

models as (

    select 'first_click' as model

    union all

    select 'last_click' as model

),

taken_in as (

    select
        conversions.conversion_date,
        models.model,
        conversions.currency,
        count(*) as conversions,
        cast(sum(conversions.revenue) as decimal(38, 9)) as revenue
    from conversions
    cross join models
    group by conversions.conversion_date, models.model, conversions.currency

),

marts as (

    select 'first_click' as model, * from first_click

    union all

    select 'last_click' as model, * from last_click

),

given_out as (

    select
        conversion_date,
        model,
        currency,
        sum(case when channel = '(unattributed)' then 0 else conversions end)
            as conversions_credited,
        sum(case when channel = '(unattributed)' then conversions else 0 end)
            as conversions_unattributed,
        sum(
            case
                when channel = '(unattributed)' then cast(0 as decimal(38, 9))
                else revenue
            end
        ) as revenue_credited,
        sum(
            case
                when channel = '(unattributed)' then revenue
                else cast(0 as decimal(38, 9))
            end
        ) as revenue_unattributed
    from marts
    group by conversion_date, model, currency

),

reconciled as (

    select
        coalesce(taken_in.conversion_date, given_out.conversion_date)
            as conversion_date,
        coalesce(taken_in.model, given_out.model) as model,
        coalesce(taken_in.currency, given_out.currency) as currency,
        coalesce(taken_in.conversions, 0) as conversions,
        coalesce(given_out.conversions_credited, 0) as conversions_credited,
        coalesce(given_out.conversions_unattributed, 0) as conversions_unattributed,
        cast(coalesce(taken_in.revenue, 0) as decimal(38, 9)) as revenue,
        cast(coalesce(given_out.revenue_credited, 0) as decimal(38, 9))
            as revenue_credited,
        cast(coalesce(given_out.revenue_unattributed, 0) as decimal(38, 9))
            as revenue_unattributed
    from taken_in
    full join given_out
        on
            taken_in.conversion_date = given_out.conversion_date
            and taken_in.model = given_out.model
            and (taken_in.currency is not distinct from given_out.currency)

)

select * from reconciled
