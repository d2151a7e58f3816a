-- The rows of a window that its jobs left out and that have not changed since, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, {columns}
from crm_export.ExportBatchRows m
join {source} s on {is_of_manifest} and s.{cursor} = m.cursor_at
where m.batch in (select id from crm_export.ExportBatches where window_id = %(window_id)s) and {range}
order by s.{cursor}, {key_order}
limit %(limit)s
