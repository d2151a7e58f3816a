-- Reads what kind of relation a source is, and what proves that each row has a unique key.
select c.relkind::text as kind,
       c.relkind = 'r' and c.relhassubclass as has_children,
       coalesce((select p.partnatts = 1 and p.partattrs[0] = a.attnum
                 from pg_catalog.pg_partitioned_table p where p.partrelid = c.oid), false) as is_divided_by_key,
       a.attnotnull as is_never_null,
       exists (select 1 from pg_catalog.pg_index i
               where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indislive
                 and i.indpred is null and i.indexprs is null
                 and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as is_unique,
       exists (select 1 from pg_catalog.pg_subscription_rel r where r.srrelid = c.oid) as is_subscribed
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = %(key)s and not a.attisdropped
where n.nspname = %(schema)s and c.relname = %(table)s
