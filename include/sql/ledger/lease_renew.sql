-- Renews the lease, if it is still ours.
update crm_export.ExportWatermarks
set lease_until = clock_timestamp() + %(seconds)s * interval '1 second'
where stream = %(stream)s and lease_epoch = %(epoch)s
