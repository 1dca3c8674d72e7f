-- The raw table, and what else stands in place of functions of attrib: what each distinct
-- page and referrer says, worked out once. Events repeat them many times over.
create or replace view raw_ga4_events as
select
    *,
    -- Files are sorted by device and the total order of events, one file a day. Within a
    -- device this orders events as the total order does, at eight bytes.
    (cast(event_day - date '1970-01-01' as bigint) << 32) + file_row_number as device_order
from read_parquet(
    'raw_ga4_events/*/*.parquet',
    hive_partitioning = true,
    hive_types = { 'event_day': date },
    file_row_number = true
);

-- One row is one page: its host, its UTM parameters and its best click id.
create or replace temp table pages as
with

distinct_pages as (

    select distinct page_location
    from raw_ga4_events
    where page_location is not null

),

queries as (

    select
        page_location,
        case
            when contains(page_location, '?')
                then nullif(regexp_extract(page_location, '^[^?#]*\?([^#]*)', 1), '')
        end as query
    from distinct_pages

)

select
    page_location,
    without_www(host_of(page_location)) as page_host,
    decoded(parameter(query, 'utm_source')) as utm_source,
    decoded(parameter(query, 'utm_medium')) as utm_medium,
    decoded(parameter(query, 'utm_campaign')) as utm_campaign,
    decoded(parameter(query, 'utm_content')) as utm_content,
    decoded(parameter(query, 'utm_term')) as utm_term,
    list_min(
        list_transform(
            regexp_extract_all(
                query,
                '(?:^|&)([gd]clid|fbclid|[gw]braid|msclkid|t[tw]clid|li_fat_id|srsltid)=[^&]',
                1
            ),
            lambda name: click_id_rank(name)
        )
    ) as page_click_id_rank
from queries;

-- One row is one referrer: its host and, if that counts, source and medium of the visit.
create or replace temp table referrers as
with

distinct_referrers as (

    select distinct page_referrer
    from raw_ga4_events
    where page_referrer is not null

),

hosts as (

    select
        page_referrer,
        without_www(host_of(page_referrer)) as referrer_host
    from distinct_referrers

)

select
    hosts.page_referrer,
    hosts.referrer_host,
    case
        when coalesce(whole.category, bare.category, named.category) = 'search' then 'organic'
        else 'referral'
    end as referrer_medium
from hosts
left join source_categories as whole on hosts.referrer_host = whole.source
left join source_categories as bare on bare_source(hosts.referrer_host) = bare.source
left join source_categories as named on registrable_name(hosts.referrer_host) = named.source
where
    hosts.referrer_host is not null
    and not regexp_matches(hosts.referrer_host, getvariable('ignored_hosts'));
