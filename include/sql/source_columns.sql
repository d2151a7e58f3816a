-- Reads the columns of a source and their types.
select a.attname as name,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type, t.typcategory as category,
       case when l.collname <> 'default' then quote_ident(ln.nspname) || '.' || quote_ident(l.collname) end as collation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_collation l on l.oid = a.attcollation
left join pg_namespace ln on ln.oid = l.collnamespace
where n.nspname = %(schema)s and c.relname = %(table)s
