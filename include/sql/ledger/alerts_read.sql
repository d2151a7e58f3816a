-- Marks alerts as read by a person; all open ones where none is named.
update crm_export.ExportAlerts set read_at = clock_timestamp(), read_by = %(by)s
where read_at is null and (%(alerts)s::bigint[] is null or id = any (%(alerts)s::bigint[]))
