-- Forgets what Salesforce said of the object, so that the next run asks again.
update crm_export.ExportWatermarks set described_at = null
where stream = %(stream)s and lease_epoch = %(epoch)s
