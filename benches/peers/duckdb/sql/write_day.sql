-- One day of the raw table, sorted as attrib sorts it. A statement a day: a partitioned
-- `copy` neither keeps the order nor sorts as little at a time. Columns that the input does
-- not have are null.
copy (
    select
        * exclude (event_day)
        replace (coalesce(user_properties, '{}') as user_properties)
    from (
        select * from raw_columns

        union all by name

        select * from events where event_day = $event_day
    )
    order by
        device_key,
        event_timestamp,
        batch_page_id nulls first,
        batch_ordering_id nulls first,
        batch_event_index nulls first,
        event_id
) to '$file' (format parquet, compression zstd, compression_level 1);
