-- One row per channel and currency: conversions by first and by last click, and the
-- revenue that each of them credits.

with

first_clicks as (

    select
        channel,
        currency,
        sum(conversions) as conversions,
        sum(revenue) as revenue
    from mart_attribution_first_click
    group by channel, currency

),

last_clicks as (

    select
        channel,
        currency,
        sum(conversions) as conversions,
        sum(revenue) as revenue
    from mart_attribution_last_click
    group by channel, currency

),

channels_compared as (

    -- A channel may open paths and never close one, or the reverse; conversions without
    -- revenue have no currency: hence the full join, with nulls as equals.
    select
        coalesce(first_clicks.channel, last_clicks.channel) as channel,
        coalesce(first_clicks.currency, last_clicks.currency) as currency,
        coalesce(first_clicks.conversions, 0) as first,
        coalesce(last_clicks.conversions, 0) as last,
        coalesce(first_clicks.revenue, 0) as first_revenue,
        coalesce(last_clicks.revenue, 0) as last_revenue
    from first_clicks
    full outer join last_clicks
        on (first_clicks.channel is not distinct from last_clicks.channel)
        and (first_clicks.currency is not distinct from last_clicks.currency)

)

select * from channels_compared
order by last_revenue desc, first_revenue desc, channel, currency
