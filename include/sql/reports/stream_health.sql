-- Reads the figures of streams that are reported as metrics.
select w.stream,
       (select count(*) from crm_export.ExportErrors e where e.stream = w.stream and e.status <> 'resolved') as open_errors,
       (w.held_since is not null)::int as held,
       coalesce(r.rows_waiting, 0) as rows_waiting,
       case when r.outcome = 'complete' then 0
            else greatest(extract(epoch from clock_timestamp() - r.oldest_change_at), 0) end as lag_seconds
from crm_export.ExportWatermarks w
left join lateral (
    select x.* from crm_export.ExportRuns x
    where x.stream = w.stream and x.kind = 'export' order by x.id desc limit 1
) r on true
where w.stream = any (%(streams)s)
