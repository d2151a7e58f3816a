-- Expires the stored description of the object, so that the next run reads it from Salesforce.
update crm_export.ExportWatermarks set described_at = null
where stream = %(stream)s and lease_epoch = %(epoch)s
