-- Moves the watermark of a stream from where a window began, under our epoch.
update crm_export.ExportWatermarks
set cursor_at = %(cursor_at)s::timestamptz, record_key = %(record_key)s, updated_at = clock_timestamp()
where stream = %(stream)s and lease_epoch = %(epoch)s
  and cursor_at is not distinct from %(range_from_at)s::timestamptz
  and record_key is not distinct from %(range_from_key)s
