-- Reads the columns of a source, their types, and whether an index finds their texts whatever the case.
select a.attname as name,
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type, t.typcategory as category,
       case when l.collname <> 'default' then quote_ident(ln.nspname) || '.' || quote_ident(l.collname) end as collation,
       exists (select 1 from pg_index i
               where i.indrelid = c.oid and i.indisvalid and i.indpred is null
                 and pg_get_expr(i.indexprs, i.indrelid) in ('lower(' || quote_ident(a.attname) || ')',
                                                             'lower((' || quote_ident(a.attname) || ')::text)'))
           as folded
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_collation l on l.oid = a.attcollation
left join pg_namespace ln on ln.oid = l.collnamespace
where n.nspname = %(schema)s and c.relname = %(table)s
