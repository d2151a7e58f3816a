-- Makes concurrent changes of settings wait for each other.
lock table crm_export.ExportAudit in share row exclusive mode
