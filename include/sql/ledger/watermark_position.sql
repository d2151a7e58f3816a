-- Reads where the watermark of a stream stands.
select cursor_at::text, record_key from crm_export.ExportWatermarks where stream = %(stream)s
