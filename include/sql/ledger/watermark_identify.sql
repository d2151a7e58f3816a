-- Stores which database the watermark belongs to, under our epoch.
update crm_export.ExportWatermarks set database_identity = %(identity)s
where stream = %(stream)s and lease_epoch = %(epoch)s
