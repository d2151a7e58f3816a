-- Puts the watermark of the stream before all rows; the stored org and description stay, as in every run after the first.
update crm_export.ExportWatermarks set cursor_at = null, record_key = null
