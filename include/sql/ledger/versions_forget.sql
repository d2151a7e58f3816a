-- Forgets the lines of batches that a check began with, which are packed now, and what jobs carried that were abandoned.
delete from crm_export.ExportedVersions v
where v.stream = %(stream)s
  and (v.cursor_at is null and v.staged_for is null
       and v.id in (select u.id from pg_temp.crm_export_unpacked u where u.from_start)
       or v.staged_for is not null and not exists (
           select 1 from crm_export.ExportBatches b where b.id = v.staged_for and b.state in ('PLANNED', 'SENDING')))
