-- Reads the state of a stream, for consumers of its asset.
select w.cursor_at::text as cursor_at, w.record_key, w.held_since is not null as held,
       r.run_id, r.outcome, r.rows_changed, r.rows_sent, r.accepted, r.refused as rejected, r.api_calls,
       (select count(*) from crm_export.ExportErrors e
        where e.stream = w.stream and e.status in ('open', 'waiting', 'set_aside')) as open_errors
from crm_export.ExportWatermarks w
left join lateral (
    select * from crm_export.ExportRuns r
    where r.stream = w.stream and r.kind = 'export' order by r.id desc limit 1
) r on true
where w.stream = %(stream)s
