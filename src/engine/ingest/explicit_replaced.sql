-- One row is a stored event that an event read replaces.
select
    stored.event_id,
    stored.event_day
from winners
inner join stored
    on winners.event_id = stored.event_id
where
    winners.event_timestamp > stored.event_timestamp
    or (
        winners.event_timestamp = stored.event_timestamp
        and winners.content_hash <> stored.content_hash
    )
