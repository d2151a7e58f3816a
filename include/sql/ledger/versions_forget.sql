-- Forgets the lines of batches that have been packed, and what jobs carried whose window is not in flight.
delete from crm_export.ExportedVersions v
where v.stream = %(stream)s
  and (v.cursor_at is null and v.staged_for is null and v.id <= %(newest)s
       or v.staged_for is not null and not exists (
           select 1 from crm_export.ExportBatches b join crm_export.ExportBatches o on o.id = b.id or o.window_id = b.window_id
           where b.id = v.staged_for and o.state in ('PLANNED', 'SENDING')))
