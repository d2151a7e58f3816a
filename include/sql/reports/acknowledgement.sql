-- Lists the streams that are stopped at a rejected record and would continue without it.
select w.stream, e.id as error_id, left(e.record_key, 300) as record_key
from crm_export.ExportWatermarks w
join crm_export.ExportErrors e on e.id = w.stopped_at_error_id and e.status in ('open', 'waiting')
order by w.stream
