-- What became of each record of an action: all of them counted, one page of them told.
with judged as materialized (
    select r.error, e.stream, left(e.record_key, 300) as record_key,
           case when r.result is not null then r.result
                when t.outcome = 'accepted' then 'exported'
                when t.outcome is not null then t.outcome
                when e.status = 'resolved' and e.resolved_by = 'source_deleted' then 'gone'
                when e.status = 'resolved' then 'exported'
                when e.status = 'ignored' then 'unchanged'
                when u.problem is not null then 'not_tried'
                when (n.outcome in ('complete', 'held', 'waiting_for_credits') or r.dag_id = any (%(finished)s)) is not true
                    then 'pending'
                when e.status = 'waiting' then 'waiting'
                else 'not_tried' end as result,
           case when t.outcome = 'refused' then left(t.error_message, 500)
                when t.outcome is null and u.problem is not null then u.problem
                when t.outcome is null and n.outcome = 'failed' then left(n.message, 500)
                else '' end as message
    from crm_export.ExportAuditRecords r
    join crm_export.ExportAudit u on u.id = r.audit
    join crm_export.ExportErrors e on e.id = r.error
    left join lateral (
        select a.outcome, a.error_message
        from crm_export.ExportErrorAttempts a
        join crm_export.ExportRuns x on x.id = a.run and x.dag_id = r.dag_id and x.run_id = 'page__' || r.audit
        where a.error = r.error order by a.id desc limit 1
    ) t on true
    left join lateral (
        select x.outcome, x.message from crm_export.ExportRuns x
        where x.run_id = 'page__' || r.audit and x.dag_id = r.dag_id and x.stream = e.stream
        order by x.id desc limit 1
    ) n on true
    where r.audit = %(audit)s
)
select (select coalesce(jsonb_object_agg(c.result, c.records), '{}') from (
            select result, count(*) as records from judged group by result) c) as counts,
       (select coalesce(jsonb_agg(to_jsonb(p) order by p.error), '[]') from (
            select * from judged where error > %(after)s order by error limit %(limit)s) p) as records
