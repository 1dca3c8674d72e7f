-- Every session is one touchpoint, no more and no less.
select coalesce(sessions.session_key, touchpoints.session_key) as session_key
from int_user_sessions as sessions
full join int_touchpoints as touchpoints
    on sessions.session_key = touchpoints.session_key
where sessions.session_key is null or touchpoints.session_key is null
