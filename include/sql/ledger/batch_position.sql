-- Reads the position of a row of a manifest.
select cursor_at::text, record_key from crm_export.ExportBatchRows
where batch = %(batch)s and ordinal = %(ordinal)s
