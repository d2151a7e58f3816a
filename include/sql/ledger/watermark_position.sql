-- Reads the watermark of a stream.
select cursor_at::text, record_key from crm_export.ExportWatermarks where stream = %(stream)s
