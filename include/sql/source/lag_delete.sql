-- Reads when the row of the first delete after the watermark is purged, if that is soon.
select to_char((min(s.{deleted}) + %(purged_after)s::interval) at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
from {source} s
where s.{deleted} is not null {after}
  -- a rejected delete has an alert of its own
  and not exists (select from crm_export.ExportErrors e
                  where e.stream = %(stream)s and e.status <> 'resolved' and e.operation = 'delete' and {is_of_error})
having min(s.{deleted}) + %(purged_after)s::interval < clock_timestamp() + %(warning)s::interval
