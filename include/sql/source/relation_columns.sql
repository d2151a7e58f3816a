-- Reads the columns of a table or view as a stream file could name them.
select a.attname as name, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type,
       t.typcategory::text as category,
       exists (select 1 from pg_index i
               where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
                 and i.indexprs is null and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as is_unique,
       exists (select 1 from pg_index i
               where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as is_primary
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where n.nspname = %(schema)s and c.relname = %(table)s
order by a.attnum
