-- Deletes a slice of old attempts of records that are still rejected, except the first and the last of each.
delete from crm_export.ExportErrorAttempts where id in (
    select a.id from crm_export.ExportErrorAttempts a
    where a.attempted_at < clock_timestamp() - %(keep_days)s * interval '1 day'
      and exists (select from crm_export.ExportErrorAttempts b where b.error = a.error and b.id < a.id)
      and exists (select from crm_export.ExportErrorAttempts n where n.error = a.error and n.id > a.id)
    order by a.attempted_at limit %(slice)s)
