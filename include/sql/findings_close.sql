-- Closes what a check did not find any more.
update crm_export.ExportFindings set closed_at = clock_timestamp()
where stream = %(stream)s and kind = %(kind)s and closed_at is null and run is distinct from %(run)s
