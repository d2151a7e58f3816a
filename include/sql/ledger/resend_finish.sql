-- Notes that a resend is finished.
update crm_export.ExportResends set finished_at = clock_timestamp() where id = %(resend)s and finished_at is null
