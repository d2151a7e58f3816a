-- Empties a manifest.
delete from crm_export.ExportBatchRows where batch = %(batch)s
