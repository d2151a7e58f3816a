-- Reads which org the watermark of a stream belongs to.
select organization_id from crm_export.ExportWatermarks where stream = %(stream)s
