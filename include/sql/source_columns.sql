-- Reads the columns of a source and their types.
select a.attname as name,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type, t.typcategory as category
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where n.nspname = %(schema)s and c.relname = %(table)s
