-- Forgets the lines of batches that have been packed.
delete from crm_export.ExportedVersions
where stream = %(stream)s and cursor_at is null and staged_for is null and id <= %(newest)s
