-- GA4's BigQuery export as Parquet to the raw table: one row is one distinct event, cleaned
-- and typed. Params that have a column of their own are lifted out of `event_params`.
--
-- Run in the folder of the snapshot, with the macros of cleaning.sql and the variable
-- `input`, a list of globs of files.
create or replace macro number_text(number) as
    regexp_replace(cast(number as varchar), '\.0$', '');

create or replace macro value_text(value) as
    coalesce(
        value.string_value,
        cast(value.int_value as varchar),
        number_text(value.float_value),
        number_text(value.double_value)
    );

-- The first param of a name; `keys` are those of all params, in order.
create or replace macro param(params, keys, name) as
    value_text(params[list_position(keys, name)].value);

create or replace table events as
with

exported as (

    select
        *,
        list_transform(event_params, lambda pair: pair.key) as keys
    from read_parquet(getvariable('input'))

),

lifted as (

    select
        event_timestamp as microseconds,
        event_name,
        user_id,
        user_pseudo_id,
        stream_id,
        platform,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,
        param(event_params, keys, 'ga_session_id') as ga_session_id,
        event_params[list_position(keys, 'ga_session_number')].value.int_value
            as ga_session_number,
        param(event_params, keys, 'page_location') as page_location,
        param(event_params, keys, 'page_referrer') as page_referrer,
        param(event_params, keys, 'page_title') as page_title,
        param(event_params, keys, 'source') as source,
        param(event_params, keys, 'medium') as medium,
        param(event_params, keys, 'campaign') as campaign,
        param(event_params, keys, 'content') as content,
        param(event_params, keys, 'term') as term,
        param(event_params, keys, 'value') as value,
        param(event_params, keys, 'currency') as currency,
        param(event_params, keys, 'transaction_id') as param_transaction_id,
        param(event_params, keys, 'gclid') as param_gclid,
        param(event_params, keys, 'dclid') as param_dclid,
        param(event_params, keys, 'srsltid') as param_srsltid,
        list_filter(
            event_params,
            lambda pair: pair.key not in (
                'ga_session_id', 'ga_session_number', 'page_location', 'page_referrer',
                'page_title', 'source', 'medium', 'campaign', 'content', 'term', 'value',
                'currency', 'transaction_id', 'gclid', 'dclid', 'srsltid'
            )
        ) as other_params,
        collected_traffic_source as collected,
        traffic_source,
        device,
        geo,
        ecommerce,
        items
    from exported

),

cleaned_events as (

    select
        epoch_microseconds(microseconds) as microseconds,
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
        cleaned(content) as content,
        cleaned(term) as term,
        cleaned(collected.manual_source) as collected_source,
        cleaned(collected.manual_medium) as collected_medium,
        cleaned(collected.manual_campaign_name) as collected_campaign,
        cleaned(collected.manual_content) as collected_content,
        cleaned(collected.manual_term) as collected_term,
        coalesce(cleaned(collected.gclid), cleaned(param_gclid)) as gclid,
        coalesce(cleaned(collected.dclid), cleaned(param_dclid)) as dclid,
        coalesce(cleaned(collected.srsltid), cleaned(param_srsltid)) as srsltid,
        cleaned(traffic_source.source) as first_user_source,
        cleaned(traffic_source.medium) as first_user_medium,
        cleaned(traffic_source.name) as first_user_campaign,
        filled(device.category) as device_category,
        filled(device.operating_system) as device_operating_system,
        filled(device.web_info.browser) as device_browser,
        filled(device.language) as device_language,
        filled(geo.country) as geo_country,
        filled(geo.region) as geo_region,
        filled(geo.city) as geo_city,
        case
            when ecommerce.purchase_revenue is not null
                then money(number_text(ecommerce.purchase_revenue))
        end as purchase_revenue,
        case when isnan(ecommerce.purchase_revenue) then true end as is_purchase_revenue_nan,
        money(value) as value,
        is_no_number(value) as is_value_nan,
        upper(filled(currency)) as currency,
        coalesce(cleaned(ecommerce.transaction_id), cleaned(param_transaction_id))
            as transaction_id,
        case
            when len(items) > 0
                then regexp_replace(cast(to_json(items) as varchar), '\.0([,}])', '\1', 'g')
        end as items,
        case
            when len(other_params) = 0 then '{}'
            when len(other_params) = 1
                then json_object(
                    trim(other_params[1].key), trim(value_text(other_params[1].value))
                )
            else cast(
                to_json(
                    map_from_entries(
                        list_sort(
                            [{ 'key': trim(p.key), 'value': trim(value_text(p.value)) }
                             for p in other_params]
                        )
                    )
                ) as varchar
            )
        end as event_params
    from lifted

),

keyed as (

    select
        * exclude (microseconds),
        make_timestamp(microseconds) as event_timestamp,
        case
            when gclid is not null then 'gclid'
            when dclid is not null then 'dclid'
            when srsltid is not null then 'srsltid'
        end as click_id_type,
        coalesce(gclid, dclid, srsltid) as click_id,
        case
            when user_pseudo_id is not null then hash('user_pseudo_id', user_pseudo_id)
            else hash('user_id', user_id)
        end as device_key,
        hash(
            coalesce(user_pseudo_id, user_id), user_pseudo_id is null, stream_id, event_name,
            microseconds, ga_session_id, ga_session_number, batch_page_id,
            batch_ordering_id, batch_event_index, page_location, page_referrer, page_title,
            source, medium, campaign, content, term, currency, transaction_id, value,
            is_value_nan, gclid, dclid, srsltid, event_params
        ) as event_id
    from cleaned_events
    where
        microseconds is not null
        and event_name is not null
        and coalesce(user_pseudo_id, user_id) is not null

)

select
    * exclude (gclid, dclid, srsltid),
    case when ga_session_id is not null then hash(stream_id, device_key, ga_session_id) end
        as session_key,
    cast(event_timestamp as date) as event_day
from keyed;
