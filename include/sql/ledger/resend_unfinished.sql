-- Lists the unfinished resends of a stream, oldest first, with the bounds of their remaining rows.
select r.id, r.key, r.cursor_at::text, r.record_key,
       coalesce(r.cursor_at, r.from_at - interval '1 microsecond')::text as start_at,
       coalesce(r.record_key, w.record_key) as start_key,
       (least(r.to_at, w.cursor_at) + interval '1 microsecond')::text as horizon
from crm_export.ExportResends r
join crm_export.ExportWatermarks w on w.stream = r.stream and w.cursor_at is not null
where r.stream = %(stream)s and r.finished_at is null
order by r.id
