-- Finds rejected records that a retry may get accepted.
select r.external_id
from crm_export_results r join crm_export_verdicts v on v.error_key = r.error_key
where r.kind = 'rejected' and not r.recorded and v.again and r.cursor_at is not null {before}
order by r.cursor_at, {row_key} limit %(limit)s
