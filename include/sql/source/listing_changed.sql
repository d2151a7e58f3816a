-- Removes from a manifest the rows that have changed since they were listed: the job does not carry them.
delete from crm_export.ExportBatchRows m
where m.batch = %(batch)s
  and not exists (select 1 from {source} s where {is_of_manifest} and s.{cursor} = m.cursor_at)
