-- Marks alerts as read by a person: those that are named, or all that were raised up to a moment.
update crm_export.ExportAlerts set read_at = clock_timestamp(), read_by = %(by)s
where read_at is null and (%(alerts)s::bigint[] is null or id = any (%(alerts)s::bigint[]))
  and (%(until)s::timestamptz is null or raised_at <= %(until)s)
