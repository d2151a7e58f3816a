-- Confirms every version that a Bulk job carried: the watermark moves past all of them.
update crm_export.ExportedVersions set staged_for = null where staged_for = %(batch)s
