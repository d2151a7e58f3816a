-- Deletes a slice of the findings that were closed long ago.
delete from crm_export.ExportFindings where id in (
    select f.id from crm_export.ExportFindings f
    where f.closed_at < clock_timestamp() - %(keep_days)s * interval '1 day' limit %(slice)s)
