-- Finds the rows of a manifest that the rejected records of its job are, and whether each was known to be rejected so.
update crm_export_results r
set record_key = m.record_key, external_id = m.external_id, cursor_at = m.cursor_at,
    payload = (select {payload} from {source} s where {is_of_manifest} and s.{cursor} = m.cursor_at),
    known = exists (
        select 1 from crm_export.ExportErrors e join crm_export_verdicts v on v.code = e.error_code
        where e.stream = %(stream)s and e.record_key = m.record_key and e.status <> 'resolved'
          and v.error_key = r.error_key)
from crm_export.ExportBatchRows m
where r.kind = 'rejected' and m.batch + 0 = %(batch)s and {is_answer}
