-- Settles the batch of a Bulk job.
update crm_export.ExportBatches
set state = 'SETTLED', settled_at = clock_timestamp(),
    accepted = %(accepted)s, refused = %(rejected)s, unprocessed = %(unprocessed)s
where id = %(batch)s and state = 'SENDING'
