-- Reads the progress of a resend.
select coalesce(r.cursor_at, r.from_at - interval '1 microsecond')::text, coalesce(r.record_key, w.record_key)
from crm_export.ExportResends r join crm_export.ExportWatermarks w on w.stream = r.stream where r.id = %(resend)s
