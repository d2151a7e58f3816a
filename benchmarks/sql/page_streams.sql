-- Twenty streams; every fifth is stopped at one of its open errors.
insert into crm_export.ExportWatermarks (stream, cursor_at, record_key, stopped_at_error_id, held_since)
select 'stream_' || lpad(n::text, 2, '0'), now(), 'TP2_000000000500', held.id, case when held.id is not null then now() end
from generate_series(0, 19) n
left join lateral (
    select min(e.id) as id from crm_export.ExportErrors e
    where n %% 5 = 0 and e.stream = 'stream_' || lpad(n::text, 2, '0') and e.status = 'open') held on true
