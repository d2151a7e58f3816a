-- Deletes the lines of batches that have been packed, and the versions of abandoned jobs.
delete from crm_export.ExportedVersions v
where v.stream = %(stream)s
  and (v.cursor_at is null and v.staged_for is null and v.id <= %(newest)s
       or v.staged_for is not null and not exists (
           select 1 from crm_export.ExportBatches b where b.id = v.staged_for and b.state in ('PLANNED', 'SENDING')))
