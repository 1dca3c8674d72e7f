-- Conversions and revenue of two weeks, by first and by last click.
select 'first_click' as model, sum(conversions) as conversions, sum(revenue) as revenue
from mart_attribution_first_click
where conversion_date between date '2026-09-17' and date '2026-09-30'

union all

select 'last_click' as model, sum(conversions) as conversions, sum(revenue) as revenue
from mart_attribution_last_click
where conversion_date between date '2026-09-17' and date '2026-09-30'
