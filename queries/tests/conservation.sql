-- SPEC, conservation: for each model, date and currency, credited + unattributed =
-- conversions taken in, and the same for revenue, exactly.
select *
from mart_attribution_reconciliation
where
    conversions <> conversions_credited + conversions_unattributed
    or revenue <> revenue_credited + revenue_unattributed
