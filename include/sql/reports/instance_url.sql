-- Reads the address of the org that a stream is exported to, for links to its records.
select instance_url from crm_export.ExportWatermarks where stream = %(stream)s
