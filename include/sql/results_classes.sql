-- Counts the refusals by what they mean, with a sample of each.
select v.class, count(*)::int, (array_agg(v.error order by v.error))[1:3]
from crm_export_results r join crm_export_verdicts v on v.error = coalesce(r.error, '')
where r.kind = 'refused' group by v.class
