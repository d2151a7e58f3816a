-- Finds export errors that are due, and whether their source rows are gone or above the watermark.
select e.id, e.record_key,
       s.{key} is null as gone,
       s.{key} is not null and not (s.{cursor} < %(horizon)s::timestamptz and {at_or_below}) as above
from (
    select id, record_key from crm_export.ExportErrors
    where stream = %(stream)s and status in ('open', 'set_aside') and id > %(after_id)s
      and (%(every)s or next_attempt_at <= clock_timestamp())
      -- records set aside are sent by the daily job only
      and (not %(released_only)s or (waiting_for is not null and status = 'open'))
      and (%(only)s::bigint[] is null or id = any (%(only)s))  -- those that a person asked for
      -- a record that this run was rejected for is not sent again by it
      and (%(run)s::bigint is null
           or last_seen_at < (select started_at from crm_export.ExportRuns where id = %(run)s))
    order by id limit %(limit)s
) e
left join {source} s on {is_of_error}
order by e.id
