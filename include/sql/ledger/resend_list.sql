-- Lists the resends of a stream of the last month and the unfinished ones, newest first, with their progress.
select r.id, r.stream, r.asked_by, r.asked_at, r.reason, r.key, r.from_at, r.to_at, r.cursor_at, r.finished_at,
       r.rows_total, r.rows_sent,
       case when r.finished_at is not null then 'done'
            when w.lease_until > clock_timestamp() then 'running'
            when w.stopped_at_error_id is not null then 'held'
            when r.cursor_at is not null then 'waiting'
            else 'queued' end as state
from crm_export.ExportResends r
left join crm_export.ExportWatermarks w on w.stream = r.stream
where r.stream = %(stream)s and (r.finished_at is null or r.asked_at > clock_timestamp() - interval '30 days')
order by r.id desc limit %(limit)s
