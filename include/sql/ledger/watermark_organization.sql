-- Reads which org the watermark of a stream was kept for.
select organization_id from crm_export.ExportWatermarks where stream = %(stream)s
