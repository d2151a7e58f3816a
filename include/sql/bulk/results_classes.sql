-- Counts the rejections by class, with the most common texts of each, without those that ExportErrors already has.
select v.class, sum(each.count)::int, (array_agg(v.error order by each.count desc))[1:3]
from (select error_key, count(*) as count from crm_export_results where kind = 'rejected' and not known group by error_key) each
join crm_export_verdicts v using (error_key)
group by v.class
