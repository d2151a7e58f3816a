-- Counts the rejections by what they mean, with the commonest texts of each; without what records had before.
select v.class, sum(each.count)::int, (array_agg(v.error order by each.count desc))[1:3]
from (select error_key, count(*) as count from crm_export_results where kind = 'rejected' and not known group by error_key) each
join crm_export_verdicts v using (error_key)
group by v.class
