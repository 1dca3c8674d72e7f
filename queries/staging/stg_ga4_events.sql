-- One row is one distinct GA4 event: typed, dated in the project's time zone, with the
-- traffic source that the event itself carries (SPEC: touchpoints, channel).
with

events as (

    select * from raw_ga4_events

),

sourced as (

    select
        *,
        traffic_source(
            collected_source, collected_medium, collected_campaign,
            collected_content, collected_term,
            source, medium, campaign, content, term,
            page_location, click_id_type, page_referrer
        ) as event_source
    from events

),

renamed as (

    select
        event_id,
        event_order(
            event_timestamp, batch_page_id, batch_ordering_id, batch_event_index,
            event_id
        ) as event_order,
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
        event_source['source'] as source,
        event_source['medium'] as medium,
        event_source['campaign'] as campaign,
        event_source['content'] as content,
        event_source['term'] as term,
        first_user_source,
        first_user_medium,
        first_user_campaign,
        device_category,
        geo_country,
        currency,

        -- SPEC: purchase_revenue, else value, else 0; what is no number is 0 and flagged.
        case
            when purchase_revenue is not null then purchase_revenue
            when is_purchase_revenue_nan then cast(0 as decimal(38, 9))
            else coalesce(value, cast(0 as decimal(38, 9)))
        end as revenue,

        event_source is not null as has_source,
        case
            when purchase_revenue is not null then false
            else coalesce(is_purchase_revenue_nan, is_value_nan, false)
        end as is_revenue_nan,

        civil_date(event_timestamp, $timezone) as event_date,
        event_day,
        event_timestamp
    from sourced

)

select
    *,
    case
        when has_source then channel(source, medium, campaign, event_date)
    end as channel
from renamed
