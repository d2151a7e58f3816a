-- Writes the manifest of a job: the current rows of due export errors that a Bulk job can carry.
insert into crm_export.ExportBatchRows (batch, ordinal, record_key, external_id, cursor_at)
select %(batch)s, row_number() over (order by e.id), {key_text}, {external_id}, s.{cursor}
from crm_export.ExportErrors e
join {source} s on {is_of_error}
where e.stream = %(stream)s and e.status in ('open', 'set_aside') and e.id > %(after_id)s and e.id <= %(last_id)s
  and (%(every)s or e.next_attempt_at <= clock_timestamp())
  and (%(only)s::bigint[] is null or e.id = any (%(only)s))
  and e.last_seen_at < (select started_at from crm_export.ExportRuns where id = %(run)s)
  -- rows above the watermark are left to CRMExport
  and s.{cursor} < %(horizon)s::timestamptz and {at_or_below} and {needs_collections} is not true
