-- Reads the newest line of a settled batch.
select coalesce(max(id), 0) from crm_export.ExportedVersions
where stream = %(stream)s and cursor_at is null and staged_for is null
