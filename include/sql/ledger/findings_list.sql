-- Lists the open findings of the daily check, newest first.
select id, stream, kind, left(subject, 300) as subject, left(told, 1000) as told, first_seen_at, last_seen_at
from crm_export.ExportFindings where closed_at is null
order by last_seen_at desc, id desc limit %(limit)s
