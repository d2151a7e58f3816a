-- Reads which database this is.
select crm_export.database_identity()
