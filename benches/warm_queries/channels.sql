-- The channels of ninety days.
select channel, sum(conversions) as conversions, sum(revenue) as revenue
from mart_attribution_last_click
group by channel
order by conversions desc
