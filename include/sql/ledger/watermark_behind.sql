-- Stores what a Bulk job did after the record at which the stream is stopped.
update crm_export.ExportWatermarks set arrived_behind = %(arrived)s, rejected_behind = %(rejected)s
where stream = %(stream)s and lease_epoch = %(epoch)s
