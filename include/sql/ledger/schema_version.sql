-- Reads which version of the schema is installed, if any.
select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'crm_export'
