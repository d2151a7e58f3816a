-- Reads the declared lengths of a source's text columns, in characters.
select a.attname, a.atttypmod - 4
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = %(schema)s and c.relname = %(table)s
  and a.atttypid in ('varchar'::regtype, 'bpchar'::regtype) and a.atttypmod > 4
