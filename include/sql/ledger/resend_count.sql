-- Adds rows that a resend has sent.
update crm_export.ExportResends set rows_sent = rows_sent + %(rows)s where id = %(resend)s
