-- Deletes the unconfirmed versions of a Bulk job.
delete from crm_export.ExportedVersions where staged_for = %(batch)s
