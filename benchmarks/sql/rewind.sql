-- Puts the watermark of the stream before all rows; what is known of the org stays, as on any but the first run.
update crm_export.ExportWatermarks set cursor_at = null, record_key = null
