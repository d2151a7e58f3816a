-- Settles a batch and empties its manifest.
with settled as (
    update crm_export.ExportBatches
    set state = 'SETTLED', settled_at = clock_timestamp(), sent = row_count,
        accepted = %(accepted)s, refused = %(rejected)s,
        unprocessed = row_count - %(accepted)s - %(rejected)s
    where id = %(batch)s and epoch = %(epoch)s and state = 'PLANNED'
    returning id
)
delete from crm_export.ExportBatchRows using settled where batch = settled.id
