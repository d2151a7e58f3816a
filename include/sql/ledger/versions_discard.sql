-- Deletes the unconfirmed versions of Bulk jobs.
delete from crm_export.ExportedVersions where staged_for = any (%(batches)s)
