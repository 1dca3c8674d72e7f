-- One row is what one model makes of one date's conversions in one currency: what went in,
-- what it credited to a click and what it could not.
create or replace temp table mart_attribution_reconciliation as
with

taken_in as (

    select
        conversion_date,
        currency,
        count(*) as conversions,
        sum(revenue) as revenue
    from int_conversions
    group by all

),

given_out as (

    select
        conversion_date,
        model,
        currency,
        coalesce(sum(conversions) filter (where channel <> '(unattributed)'), 0)
            as conversions_credited,
        coalesce(sum(conversions) filter (where channel = '(unattributed)'), 0)
            as conversions_unattributed,
        coalesce(sum(revenue) filter (where channel <> '(unattributed)'), 0)
            as revenue_credited,
        coalesce(sum(revenue) filter (where channel = '(unattributed)'), 0)
            as revenue_unattributed
    from (
        select 'first_click' as model, * from mart_attribution_first_click

        union all

        select 'last_click' as model, * from mart_attribution_last_click
    )
    group by all

),

wanted as (

    select
        taken_in.*,
        models.model
    from taken_in
    cross join (values ('first_click'), ('last_click')) as models (model)

)

select
    coalesce(wanted.conversion_date, given_out.conversion_date) as conversion_date,
    coalesce(wanted.model, given_out.model) as model,
    coalesce(wanted.currency, given_out.currency) as currency,
    coalesce(wanted.conversions, 0) as conversions,
    cast(coalesce(given_out.conversions_credited, 0) as bigint) as conversions_credited,
    cast(coalesce(given_out.conversions_unattributed, 0) as bigint)
        as conversions_unattributed,
    cast(coalesce(wanted.revenue, 0) as decimal(38, 9)) as revenue,
    cast(coalesce(given_out.revenue_credited, 0) as decimal(38, 9)) as revenue_credited,
    cast(coalesce(given_out.revenue_unattributed, 0) as decimal(38, 9))
        as revenue_unattributed
from wanted
full join given_out
    on
        wanted.conversion_date = given_out.conversion_date
        and wanted.model = given_out.model
        and wanted.currency is not distinct from given_out.currency;
