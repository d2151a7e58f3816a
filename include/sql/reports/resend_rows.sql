-- Counts the exported rows of a stream in a range of change times.
select count(*)
from {source} s
join crm_export.ExportWatermarks w on w.stream = %(stream)s and w.cursor_at is not null
where s.{cursor} <= least(w.cursor_at, %(to_at)s::timestamptz)
  and (%(from_at)s::timestamptz is null or s.{cursor} >= %(from_at)s::timestamptz)
