-- Releases the lease, if it is still ours.
update crm_export.ExportWatermarks
set lease_until = null, lease_owner = null
where stream = %(stream)s and lease_epoch = %(epoch)s
