-- Reads the description of a stream's object, merged over all its runs.
select described_ever from crm_export.ExportWatermarks where stream = %(stream)s
