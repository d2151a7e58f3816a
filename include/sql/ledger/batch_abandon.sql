-- Abandons batches whose outcome is unknown: the watermark never passed their rows, so they are sent again.
with abandoned as (
    update crm_export.ExportBatches set state = 'ABANDONED', settled_at = clock_timestamp()
    where id = any (%(batches)s) and state in ('PLANNED', 'SENDING')
    returning id, row_count, window_id
), emptied as (
    -- if their window is sent again, also the list of rows that its settled jobs left out
    delete from crm_export.ExportBatchRows m using crm_export.ExportBatches b, abandoned
    where m.batch = b.id and (b.id = abandoned.id or b.window_id = abandoned.window_id and b.state = 'SETTLED')
), discarded as (
    delete from crm_export.ExportedVersions v using crm_export.ExportBatches b, abandoned
    where v.staged_for = b.id and (b.id = abandoned.id or b.window_id = abandoned.window_id and b.state = 'SETTLED')
)
select count(*)::int, coalesce(sum(row_count), 0)::int from abandoned
