-- Reads the distinct texts with which records were rejected.
select distinct on (error_key) error_key, error from crm_export_results where kind = 'rejected' order by error_key
