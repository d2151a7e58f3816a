-- Finds the last id of the next due export errors, and how many there are.
select max(id), count(*)::int
from (
    select id from crm_export.ExportErrors
    where stream = %(stream)s and status in ('open', 'set_aside') and id > %(after_id)s
      and (%(every)s or next_attempt_at <= clock_timestamp())
      and (%(only)s::bigint[] is null or id = any (%(only)s))
      and last_seen_at < (select started_at from crm_export.ExportRuns where id = %(run)s)
    order by id limit %(limit)s
) due
