-- Clears the purge alerts of a stream whose deletes are no longer at risk.
update crm_export.ExportAlerts set cleared_at = clock_timestamp()
where kind = 'purge' and stream = %(stream)s and cleared_at is null and error is not null and not (key = any (%(keys)s::text[]))
