-- Finds the source rows of rejected records that have changed since they were sent; the sent version is not stored.
update crm_export_results r set record_key = {key_text}
from {source} s
where r.kind = 'rejected' and r.record_key is null {part} and {answered}
  -- a row that the job did not send may have the external id by now, or may have had it as a deleted row
  and hashtextextended({key_text} collate "C", 0) in (
      select unnest(v.key_hashes) from crm_export.ExportedVersions v where v.staged_for = %(batch)s)
  and not exists (
      select 1 from crm_export.ExportBatchRows m
      where m.batch = %(batch)s and m.record_key = ({key_text} collate "C"))
