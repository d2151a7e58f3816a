-- Deletes the lines of batches that existed at the start of a check and have been packed, and the versions of jobs
-- whose window is not in flight.
delete from crm_export.ExportedVersions v
where v.stream = %(stream)s
  and (v.cursor_at is null and v.staged_for is null
       and v.id in (select u.id from pg_temp.crm_export_unpacked u where u.from_start)
       or v.staged_for is not null and not exists (
           select 1 from crm_export.ExportBatches b join crm_export.ExportBatches o on o.id = b.id or o.window_id = b.window_id
           where b.id = v.staged_for and o.state in ('PLANNED', 'SENDING')))
