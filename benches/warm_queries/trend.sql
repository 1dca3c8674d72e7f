-- Conversions of each of fourteen days.
select conversion_date, sum(conversions) as conversions, sum(revenue) as revenue
from mart_attribution_last_click
where conversion_date between date '2026-09-17' and date '2026-09-30'
group by conversion_date
order by conversion_date
