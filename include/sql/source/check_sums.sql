-- Sums columns by group over the exported rows: live, up to the watermark, without an unresolved export error.
select {group}::text, {off}, {sums}
from {source} s
join crm_export.ExportWatermarks w on w.stream = %(stream)s
left join crm_export.ExportErrors e
  on e.stream = %(stream)s and e.record_key = {key_text} collate "C" and e.status <> 'resolved'
where {alive} and {group} is not null and (s.{cursor}, {key_order}) <= (w.cursor_at, {watermark_key})
group by {group} order by {group}
