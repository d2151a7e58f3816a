-- Reads one page of export errors, filtered and sorted, starting after a place in that order.
select e.id, e.stream, e.object, left(e.record_key, 300) as record_key, left(e.external_id, 300) as external_id,
       e.operation, e.error_code as code, e.error_name as name, e.error_class,
       left(e.error_message, %(message_limit)s) as message, e.error_fields as fields, e.cause, e.status,
       w.stream is not null and e.status in ('open', 'waiting') as holding,
       e.attempts, e.first_seen_at, e.last_seen_at, e.next_attempt_at, e.{sort}::text as sort_value
from crm_export.ExportErrors e
left join crm_export.ExportWatermarks w on w.stream = e.stream and w.stopped_at_error_id = e.id
where e.status = any (%(statuses)s)
  and (%(stream)s::text is null or e.stream = %(stream)s)
  and (%(object)s::text is null or e.object = %(object)s)
  and (%(code)s::text is null or e.error_code = %(code)s)
  and (%(error_class)s::text is null or e.error_class = %(error_class)s)
  and (%(cause)s::text is null or e.cause = %(cause)s)
  and (not %(holding)s or (w.stream is not null and e.status in ('open', 'waiting')))
  and (%(search)s::text is null
       or (e.record_key || E'\n' || coalesce(e.external_id, '') || E'\n' || e.error_message) ilike %(search)s)
  and (%(after_value)s::{type} is null or (e.{sort}, e.id) {operator} (%(after_value)s::{type}, %(after_id)s::bigint))
order by e.{sort} {direction}, e.id {direction}
limit %(limit)s
