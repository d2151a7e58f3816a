-- Forgets the versions that a Bulk job carried: it was abandoned.
delete from crm_export.ExportedVersions where staged_for = %(batch)s
