-- Sums columns of the exported rows by a group: live, up to the watermark, with no unresolved export error.
select {group}::text, {off}, {sums}
from {source} s
join crm_export.ExportWatermarks w on w.stream = %(stream)s
where {alive} and {group} is not null and (s.{cursor}, {key_order}) <= (w.cursor_at, {watermark_key})
  and not exists (select 1 from crm_export.ExportErrors e
                  where e.stream = %(stream)s and e.record_key = s.{key}::text collate "C" and e.status <> 'resolved')
group by {group} order by {group}
