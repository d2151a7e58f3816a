-- Moves the progress of a resend from the start of a window to its end, under our epoch.
update crm_export.ExportResends r
set cursor_at = %(cursor_at)s::timestamptz, record_key = %(record_key)s
from crm_export.ExportWatermarks w
where r.id = %(resend)s and w.stream = %(stream)s and w.lease_epoch = %(epoch)s
  and (r.cursor_at is null or (r.cursor_at = %(range_from_at)s::timestamptz and r.record_key = %(range_from_key)s))
