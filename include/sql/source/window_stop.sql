-- Finds the first record of a window that was rejected since the window was planned.
select e.id, s.{cursor}::text, {key_text}
from crm_export.ExportErrors e join {source} s on {is_of_error}
where e.stream = %(stream)s and e.status in ('open', 'waiting') and e.record_changed_at = s.{cursor} and {range}
  and e.last_seen_at >= %(planned_at)s::timestamptz
order by s.{cursor}, {key_order} limit 1
