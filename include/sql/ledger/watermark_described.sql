-- Reads what the object of a stream has ever been described as.
select described_ever from crm_export.ExportWatermarks where stream = %(stream)s
