-- Deletes a slice of the export errors that were resolved long ago, with their attempts; never one that others wait for.
delete from crm_export.ExportErrors where id in (
    select e.id from crm_export.ExportErrors e
    where e.status = 'resolved' and e.resolved_at < clock_timestamp() - %(keep_days)s * interval '1 day'
      and not exists (select from crm_export.ExportErrors c where c.waiting_for = e.id and c.status <> 'resolved')
    order by e.resolved_at limit %(slice)s)
