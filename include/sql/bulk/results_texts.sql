-- The different texts with which records were refused.
select distinct on (error_key) error_key, error from crm_export_results where kind = 'refused' order by error_key
