-- Marks alerts as read by a person: those that are named, or all that were raised up to a moment and are listed.
update crm_export.ExportAlerts set read_at = clock_timestamp(), read_by = %(by)s
where read_at is null and (%(alerts)s::bigint[] is null or id = any (%(alerts)s::bigint[]))
  and (%(until)s::timestamptz is null
       or (raised_at <= %(until)s and not (cleared_at is null and crm_export.is_part_of_hold(kind, stream, subject))))
