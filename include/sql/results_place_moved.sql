-- Finds the source rows of refused records that have changed since they were sent: their version is not kept.
update crm_export_results r set record_key = s.{key}::text
from {source} s
where r.kind = 'refused' and r.record_key is null and {answered}
  -- a row that the job did not carry may have taken over the external id
  and hashtextextended(s.{key}::text collate "C", 0) in (
      select unnest(v.key_hashes) from crm_export.ExportedVersions v where v.staged_for = %(batch)s)
