-- Counts, by code, the rejected records of a job behind the first of them in position order.
select v.code, count(*)::int
from (
    select r.error_key, row_number() over (order by r.cursor_at, {row_key}) as place
    from crm_export_results r where r.kind = 'rejected' and not r.recorded and r.record_key is not null
) each join crm_export_verdicts v using (error_key)
where each.place > %(limit)s
group by v.code
