-- Finds the first rejected record whose row is unchanged since; `staying`: without those that a retry may get accepted.
select r.cursor_at::text, r.record_key
from crm_export_results r join crm_export_verdicts v on v.error_key = r.error_key
where r.kind = 'rejected' and r.cursor_at is not null and not (%(staying)s and v.again) {before}
order by r.cursor_at, {row_key} limit 1
