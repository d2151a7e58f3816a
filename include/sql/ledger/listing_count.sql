-- Counts the rows of a manifest.
select count(*) from crm_export.ExportBatchRows where batch = %(batch)s
