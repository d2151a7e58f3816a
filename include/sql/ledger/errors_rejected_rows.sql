-- The rejected records of a batch with a manifest, as errors_record.sql takes them.
select r.ordinal, r.code, r.name, r.class, r.message,
       array(select jsonb_array_elements_text(r.fields)) as fields, r.salesforce_id,
       r.parent_object, r.parent_external_id, m.record_key, m.external_id, m.cursor_at, p.payload
from jsonb_to_recordset(%(rejections)s) as r (
    ordinal int, code text, name text, class text, message text, fields jsonb, salesforce_id text,
    parent_object text, parent_external_id text)
join crm_export.ExportBatchRows m on m.batch = %(batch)s and m.ordinal = r.ordinal
left join jsonb_to_recordset(%(payloads)s) as p (ordinal int, payload jsonb) on p.ordinal = r.ordinal
