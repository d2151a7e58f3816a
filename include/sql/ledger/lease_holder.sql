-- Reads which run holds the lease of a stream now, and since when that run has been working on the stream.
select split_part(w.lease_owner, '/', 1) as dag_id, split_part(w.lease_owner, '/', 2) as run_id,
       to_char(coalesce(min(r.started_at), clock_timestamp()) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since,
       w.lease_yields as yields
from crm_export.ExportWatermarks w
left join crm_export.ExportRuns r
    on r.stream = w.stream and r.dag_id = split_part(w.lease_owner, '/', 1)
    and r.run_id = split_part(w.lease_owner, '/', 2)
where w.stream = %(stream)s and w.lease_until > clock_timestamp()
group by w.lease_owner, w.lease_yields
