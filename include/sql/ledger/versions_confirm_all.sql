-- Confirms every version that the Bulk jobs of a window carried: the watermark goes over all of them.
update crm_export.ExportedVersions set staged_for = null where staged_for = any (%(batches)s)
