-- Abandons what earlier runs left unsettled: the watermark never passed those rows, so they go again.
with left_over as (
    update crm_export.ExportBatches set state = 'ABANDONED', settled_at = clock_timestamp()
    where stream = %(stream)s and state in ('PLANNED', 'SENDING')
    returning id, row_count
), emptied as (
    delete from crm_export.ExportBatchRows using left_over where batch = left_over.id
)
select count(*)::int, coalesce(sum(row_count), 0)::int from left_over
