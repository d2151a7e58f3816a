-- Moves the watermark of a stream to a row of a batch, under our epoch.
update crm_export.ExportWatermarks w
set cursor_at = m.cursor_at, record_key = m.record_key, updated_at = clock_timestamp()
from crm_export.ExportBatchRows m
where w.stream = %(stream)s and w.lease_epoch = %(epoch)s
  and m.batch = %(batch)s and m.ordinal = %(ordinal)s
