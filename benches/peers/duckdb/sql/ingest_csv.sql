-- Flat CSV files to the raw table: one row is one distinct event, cleaned and typed, sorted
-- inside each day's file as attrib sorts its own.
--
-- Run in the folder of the snapshot, with the macros of cleaning.sql and the variable
-- `input`, a list of globs of files.
create or replace table events as
with

written as (

    select *
    from read_csv(
        getvariable('input'),
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        ignore_errors = true,
        columns = {
            'event_date': 'varchar',
            'event_timestamp': 'varchar',
            'event_name': 'varchar',
            'user_id': 'varchar',
            'user_pseudo_id': 'varchar',
            'stream_id': 'varchar',
            'platform': 'varchar',
            'ga_session_id': 'varchar',
            'ga_session_number': 'bigint',
            'batch_page_id': 'bigint',
            'batch_ordering_id': 'bigint',
            'batch_event_index': 'bigint',
            'page_location': 'varchar',
            'page_referrer': 'varchar',
            'page_title': 'varchar',
            'source': 'varchar',
            'medium': 'varchar',
            'campaign': 'varchar',
            'engagement_time_msec': 'varchar',
            'collected_source': 'varchar',
            'collected_medium': 'varchar',
            'collected_campaign': 'varchar',
            'gclid': 'varchar',
            'first_user_source': 'varchar',
            'first_user_medium': 'varchar',
            'first_user_campaign': 'varchar',
            'device_category': 'varchar',
            'device_operating_system': 'varchar',
            'device_browser': 'varchar',
            'device_language': 'varchar',
            'geo_country': 'varchar',
            'geo_region': 'varchar',
            'geo_city': 'varchar',
            'value': 'varchar',
            'currency': 'varchar',
            'purchase_revenue': 'varchar',
            'transaction_id': 'varchar',
            'items': 'varchar'
        }
    )

),

cleaned_events as (

    select
        timestamp_microseconds(event_timestamp) as microseconds,
        filled(event_name) as event_name,
        cleaned(user_id) as user_id,
        cleaned(user_pseudo_id) as user_pseudo_id,
        numeric_id(stream_id) as stream_id,
        filled(platform) as platform,
        numeric_id(ga_session_id) as ga_session_id,
        ga_session_number,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,
        filled(page_location) as page_location,
        filled(page_referrer) as page_referrer,
        filled(page_title) as page_title,
        cleaned(source) as source,
        cleaned(medium) as medium,
        cleaned(campaign) as campaign,
        cleaned(collected_source) as collected_source,
        cleaned(collected_medium) as collected_medium,
        cleaned(collected_campaign) as collected_campaign,
        cleaned(gclid) as click_id,
        cleaned(first_user_source) as first_user_source,
        cleaned(first_user_medium) as first_user_medium,
        cleaned(first_user_campaign) as first_user_campaign,
        filled(device_category) as device_category,
        filled(device_operating_system) as device_operating_system,
        filled(device_browser) as device_browser,
        filled(device_language) as device_language,
        filled(geo_country) as geo_country,
        filled(geo_region) as geo_region,
        filled(geo_city) as geo_city,
        money(purchase_revenue) as purchase_revenue,
        is_no_number(purchase_revenue) as is_purchase_revenue_nan,
        money(value) as value,
        is_no_number(value) as is_value_nan,
        upper(filled(currency)) as currency,
        cleaned(transaction_id) as transaction_id,
        filled(items) as items,
        filled(engagement_time_msec) as engagement_time_msec
    from written

),

keyed as (

    select
        * exclude (microseconds, engagement_time_msec),
        make_timestamp(microseconds) as event_timestamp,
        case
            when engagement_time_msec is null then '{}'
            else json_object('engagement_time_msec', engagement_time_msec)
        end as event_params,
        case
            when user_pseudo_id is not null then hash('user_pseudo_id', user_pseudo_id)
            else hash('user_id', user_id)
        end as device_key,
        hash(
            coalesce(user_pseudo_id, user_id), user_pseudo_id is null, stream_id, event_name,
            microseconds, ga_session_id, ga_session_number, batch_page_id,
            batch_ordering_id, batch_event_index, page_location, page_referrer, page_title,
            source, medium, campaign, currency, transaction_id, value, is_value_nan,
            click_id, engagement_time_msec
        ) as event_id
    from cleaned_events
    where
        microseconds is not null
        and event_name is not null
        and coalesce(user_pseudo_id, user_id) is not null

)

select
    *,
    case when click_id is not null then 'gclid' end as click_id_type,
    case when ga_session_id is not null then hash(stream_id, device_key, ga_session_id) end
        as session_key,
    cast(event_timestamp as date) as event_day
from keyed;
