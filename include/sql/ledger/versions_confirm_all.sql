-- Confirms all versions that the Bulk jobs of a window sent, because the watermark passes all of them.
update crm_export.ExportedVersions set staged_for = null where staged_for = any (%(batches)s)
