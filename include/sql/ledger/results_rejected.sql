-- The rejected records of a job, as errors_record.sql takes them.
select row_number() over (order by r.cursor_at, {row_key}) as ordinal, v.code, v.name, v.class, v.message,
       v.fields, nullif(r.salesforce_id, '') as salesforce_id, v.parent_object, v.parent_external_id,
       r.record_key, r.external_id, r.cursor_at, r.payload
from crm_export_results r join crm_export_verdicts v on v.error_key = r.error_key
where r.kind = 'rejected' and not r.recorded and r.record_key is not null
order by r.cursor_at, {row_key} limit %(limit)s
