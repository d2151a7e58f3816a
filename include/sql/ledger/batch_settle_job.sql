-- Settles the batch of a Bulk job.
update crm_export.ExportBatches
set state = 'SETTLED', settled_at = clock_timestamp(),
    accepted = %(accepted)s, refused = %(rejected)s, unprocessed = %(unprocessed)s,
    unrecorded = %(codes)s, unrecorded_at = %(cursor_at)s::timestamptz, unrecorded_key = %(record_key)s
where id = %(batch)s and state = 'SENDING'
