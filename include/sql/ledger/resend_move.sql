-- Moves the progress of a resend to a row of a batch, under our epoch.
update crm_export.ExportResends r
set cursor_at = m.cursor_at, record_key = m.record_key
from crm_export.ExportBatchRows m, crm_export.ExportWatermarks w
where r.id = %(resend)s and w.stream = %(stream)s and w.lease_epoch = %(epoch)s
  and m.batch = %(batch)s and m.ordinal = %(ordinal)s
