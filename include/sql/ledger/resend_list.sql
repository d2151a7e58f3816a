-- Lists the resends of the last month and those that are not finished, newest first.
select r.id, r.stream, r.asked_by, r.asked_at, r.reason, r.key, r.from_at, r.to_at, r.cursor_at, r.finished_at
from crm_export.ExportResends r
where r.finished_at is null or r.asked_at > clock_timestamp() - interval '30 days'
order by r.id desc limit %(limit)s
