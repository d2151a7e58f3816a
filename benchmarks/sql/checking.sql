-- Reads whether a check holds the lease and has packed some rows.
select exists (select from crm_export.ExportWatermarks where lease_yields and lease_until > clock_timestamp())
   and exists (select from crm_export.ExportedVersions where cursor_at is not null)
