-- Returns what happened to the records of an action: counts of all, and one page of records.
with judged as materialized (
    select r.error, r.stream, r.record_key,
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
           left(case when t.outcome = 'refused' then t.error_message
                     when t.outcome is null then coalesce(u.problem, case when n.outcome = 'failed' then n.message end)
                end, 500) as message,
           n.outcome as ran
    from crm_export.ExportAuditRecords r
    join crm_export.ExportAudit u on u.id = r.audit
    left join crm_export.ExportErrors e on e.id = r.error
    left join lateral (
        select a.outcome, a.error_message
        from crm_export.ExportErrorAttempts a
        join crm_export.ExportRuns x on x.id = a.run and x.dag_id = r.dag_id and x.run_id = 'page__' || r.audit
        where a.error = r.error order by a.id desc limit 1
    ) t on true
    left join lateral (
        select x.outcome, x.message from crm_export.ExportRuns x
        where x.run_id = 'page__' || r.audit and x.dag_id = r.dag_id and x.stream = r.stream
        order by x.id desc limit 1
    ) n on true
    where r.audit = %(audit)s
), page as (
    select error, stream, record_key, result,
           coalesce(message, case when result <> 'not_tried' then ''
                                  when ran = 'waiting_for_job' then 'Salesforce is still processing it; the next run settles it.'
                                  when ran is not null then 'Its row has changed since it was rejected: CRMExport sends it.'
                                  else 'The run ended before it, or another run was exporting: see its task log.' end)
           as message
    from judged
)
select (select coalesce(jsonb_object_agg(c.result, c.records), '{}') from (
            select result, count(*) as records from judged group by result) c) as counts,
       (select coalesce(jsonb_agg(to_jsonb(p) order by p.error), '[]') from (
            select * from page where error > %(after)s order by error limit %(limit)s) p) as records
