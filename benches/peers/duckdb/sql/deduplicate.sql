-- Drops all but one of the rows of one event. Ids alone are grouped; rows are touched only
-- where an id repeats.
delete from events
where rowid in (
    with

    repeated as (

        select event_id
        from events
        group by event_id
        having count(*) > 1

    ),

    copies as (

        select
            events.rowid as row_id,
            row_number() over (partition by event_id order by events.rowid) as copy
        from events
        semi join repeated using (event_id)

    )

    select row_id
    from copies
    where copy > 1
);
