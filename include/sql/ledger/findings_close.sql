-- Closes the findings that a check no longer found, and deletes those closed three months ago.
with old as (
    delete from crm_export.ExportFindings
    where stream = %(stream)s and kind = %(kind)s and closed_at < clock_timestamp() - interval '90 days'
)
update crm_export.ExportFindings set closed_at = clock_timestamp()
where stream = %(stream)s and kind = %(kind)s and closed_at is null and run is distinct from %(run)s
