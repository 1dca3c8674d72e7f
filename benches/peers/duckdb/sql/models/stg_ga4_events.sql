-- One row is one distinct GA4 event, with the traffic source that the event itself carries.
-- A view: each model computes what it needs of it.
create or replace view stg_ga4_events as
with

-- The first place that gives a source or medium that is not direct.
placed as (

    select
        events.*,
        pages.utm_source,
        pages.utm_medium,
        pages.utm_campaign,
        pages.utm_content,
        pages.utm_term,
        referrers.referrer_host,
        referrers.referrer_medium,
        least(click_id_rank(events.click_id_type), pages.page_click_id_rank) as click_id_rank,
        case
            when is_information(
                events.collected_source, events.collected_medium, pages.page_host
            )
                then 'collected'
            when is_information(events.source, events.medium, pages.page_host) then 'params'
            when is_information(pages.utm_source, pages.utm_medium, pages.page_host)
                then 'utm'
            when
                pages.page_click_id_rank is not null
                or click_id_rank(events.click_id_type) is not null
                then 'click id'
            when
                referrers.referrer_host is not null
                and not is_same_or_parent(referrers.referrer_host, pages.page_host)
                then 'referrer'
        end as place
    from raw_ga4_events as events
    left join pages on events.page_location = pages.page_location
    left join referrers on events.page_referrer = referrers.page_referrer

)

select
    event_id,
    device_order,
    device_key,
    session_key,
    user_id,
    user_pseudo_id,
    stream_id,
    ga_session_id,
    transaction_id,

    event_name,
    platform,
    page_location,
    page_title,
    page_referrer,
    case place
        when 'collected' then collected_source
        when 'params' then placed.source
        when 'utm' then utm_source
        when 'click id' then click_id_source(click_id_rank)
        when 'referrer' then referrer_host
    end as source,
    case place
        when 'collected' then collected_medium
        when 'params' then placed.medium
        when 'utm' then utm_medium
        when 'click id' then click_id_medium(click_id_rank)
        when 'referrer' then referrer_medium
    end as medium,
    case place
        when 'collected' then collected_campaign
        when 'params' then placed.campaign
        when 'utm' then utm_campaign
    end as campaign,
    case place
        when 'collected' then collected_content
        when 'params' then placed.content
        when 'utm' then utm_content
    end as content,
    case place
        when 'collected' then collected_term
        when 'params' then placed.term
        when 'utm' then utm_term
    end as term,
    first_user_source,
    first_user_medium,
    first_user_campaign,
    device_category,
    geo_country,
    currency,

    batch_page_id,
    batch_ordering_id,
    batch_event_index,

    -- purchase_revenue, else value, else 0; what is no number is 0 and flagged.
    case
        when purchase_revenue is not null then purchase_revenue
        when is_purchase_revenue_nan then cast(0 as decimal(38, 9))
        else coalesce(value, cast(0 as decimal(38, 9)))
    end as revenue,

    place is not null as has_source,
    case
        when purchase_revenue is not null then false
        else coalesce(is_purchase_revenue_nan, is_value_nan, false)
    end as is_revenue_nan,

    civil_date(event_timestamp) as event_date,
    event_day,
    event_timestamp
from placed;
