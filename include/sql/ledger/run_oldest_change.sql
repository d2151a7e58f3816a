-- Records on the line of a run the time of the oldest change that it found.
update crm_export.ExportRuns set oldest_change_at = %(moment)s::timestamptz where id = %(run)s
