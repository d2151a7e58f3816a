-- Reads one export error.
select id, stream, record_key, record_changed_at::text as record_changed_at, error_code, error_name,
       error_class, error_message, error_fields, status, attempts,
       to_char(first_seen_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as first_seen
from crm_export.ExportErrors where id = %(error)s
