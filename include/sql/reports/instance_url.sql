-- The org that a stream is exported to, to link to its records.
select instance_url from crm_export.ExportWatermarks where stream = %(stream)s
