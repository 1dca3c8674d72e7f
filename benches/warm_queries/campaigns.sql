-- One channel's campaigns of two weeks.
select source, medium, campaign, sum(conversions) as conversions, sum(revenue) as revenue
from mart_attribution_first_click
where
    channel = 'Paid Search'
    and conversion_date between date '2026-09-17' and date '2026-09-30'
group by source, medium, campaign
order by conversions desc
limit 20
