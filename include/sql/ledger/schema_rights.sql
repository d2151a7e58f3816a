-- Returns whether the role may install or update the schema, and names the tables in it that it may not read and write.
select case when n.oid is null then has_database_privilege(current_database(), 'create')
            else pg_has_role(n.nspowner, 'usage') end as may_install,
       array(select c.relname::text from pg_class c
             where c.relnamespace = n.oid and c.relkind = 'r'
               and not (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                        and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
                        and has_table_privilege(c.oid, 'delete'))
             order by c.relname) as denied
from (select 1) one
left join pg_namespace n on n.nspname = 'crm_export'
