-- One row is an event read that the snapshot does not have, or has in an older form.
select winners.*
from winners
left join stored
    on winners.event_id = stored.event_id
where
    stored.event_id is null
    or winners.event_timestamp > stored.event_timestamp
    or (
        winners.event_timestamp = stored.event_timestamp
        and winners.content_hash <> stored.content_hash
    )
