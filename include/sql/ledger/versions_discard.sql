-- Forgets the versions that Bulk jobs carried and that are not confirmed.
delete from crm_export.ExportedVersions where staged_for = any (%(batches)s)
