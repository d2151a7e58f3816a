-- Deletes a slice of the batches that ended long ago.
delete from crm_export.ExportBatches where id in (
    select b.id from crm_export.ExportBatches b
    where b.planned_at < clock_timestamp() - %(keep_days)s * interval '1 day'
      and b.state in ('SETTLED', 'ABANDONED')
    order by b.planned_at limit %(slice)s)
