-- Lets one change of a setting wait for another.
lock table crm_export.ExportAudit in share row exclusive mode
