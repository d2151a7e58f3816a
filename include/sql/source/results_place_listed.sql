-- Finds the rows of a manifest that the rejected records of its job are, and whether each was known to be rejected so.
update crm_export_results r
set record_key = m.record_key, external_id = m.external_id, cursor_at = m.cursor_at,
    payload = (select {payload} from {source} s where {is_of_manifest} and s.{cursor} = m.cursor_at),
    known = coalesce(e.error_code = v.code, false)
from crm_export.ExportBatchRows m
left join crm_export.ExportErrors e
    on e.stream = %(stream)s and e.record_key = m.record_key and e.status <> 'resolved',
crm_export_verdicts v
where r.kind = 'rejected' and v.error_key = r.error_key and m.batch = %(batch)s and {is_answer}
