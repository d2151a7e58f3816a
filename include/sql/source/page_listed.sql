-- Rows of a manifest, by their external ids, as they were listed.
select row_number() over (order by m.ordinal) as crm_export_ordinal, {columns}
from crm_export.ExportBatchRows m
join {source} s on {is_of_manifest} and s.{cursor} = m.cursor_at
where m.batch = %(batch)s
  and exists (select 1 from unnest(%(external_ids)s::text[]) given (external_id) where {is_given_id})
