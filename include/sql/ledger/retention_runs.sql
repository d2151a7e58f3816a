-- Deletes a slice of the runs that ended long ago and have no batch; the last run of each stream stays.
delete from crm_export.ExportRuns where id in (
    select r.id from crm_export.ExportRuns r
    where r.started_at < clock_timestamp() - %(keep_days)s * interval '1 day'
      and r.outcome <> 'running'
      and not exists (select from crm_export.ExportBatches b where b.run = r.id)
      and exists (select from crm_export.ExportRuns n where n.stream = r.stream and n.kind = r.kind and n.id > r.id)
    order by r.started_at limit %(slice)s)
