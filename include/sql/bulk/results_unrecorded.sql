-- Counts, by code, a job's rejected records after the first ones in position order, and finds the first counted one.
with placed as (
    select r.error_key, r.cursor_at, r.record_key, row_number() over (order by r.cursor_at, {row_key}) as place
    from crm_export_results r where r.kind = 'rejected' and not r.recorded and r.record_key is not null
), counted as (
    select v.code, count(*) as rejected
    from placed join crm_export_verdicts v using (error_key)
    where placed.place > %(limit)s
    group by v.code
)
select (select coalesce(jsonb_object_agg(code, rejected), '{{}}') from counted), first.cursor_at::text, first.record_key
from (select) one left join placed first on first.place = %(limit)s + 1
