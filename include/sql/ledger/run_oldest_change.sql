-- Notes on the line of a run how old the oldest change was that it found.
update crm_export.ExportRuns set oldest_change_at = %(moment)s::timestamptz where id = %(run)s
