-- Abandons batches whose outcome is not known: the watermark never passed their rows, so they go again.
with abandoned as (
    update crm_export.ExportBatches set state = 'ABANDONED', settled_at = clock_timestamp()
    where id = any (%(batches)s) and state in ('PLANNED', 'SENDING')
    returning id, row_count
), emptied as (
    delete from crm_export.ExportBatchRows using abandoned where batch = abandoned.id
), discarded as (
    delete from crm_export.ExportedVersions using abandoned where staged_for = abandoned.id
)
select count(*)::int, coalesce(sum(row_count), 0)::int from abandoned
