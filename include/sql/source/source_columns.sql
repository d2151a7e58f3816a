-- Reads the columns of a source, the base types of domains, and whether an index finds texts whatever their case.
with recursive bases as (
    select t.oid as type, t.oid as base, t.typbasetype as following from pg_catalog.pg_type t
    where t.oid in (select a.atttypid from pg_catalog.pg_attribute a
                    join pg_catalog.pg_class c on c.oid = a.attrelid
                    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = %(schema)s and c.relname = %(table)s and a.attnum > 0)
    union all
    select b.type, t.oid, t.typbasetype from bases b join pg_catalog.pg_type t on t.oid = b.following
)
select a.attname as name,
       -- without its length: a cast to character(6) or bit(8) would truncate
       pg_catalog.format_type(t.oid, -1) as type, t.typcategory as category,
       case when l.collname <> 'default'
            then pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) end as collation,
       exists (select 1 from pg_catalog.pg_index i
               where i.indrelid = c.oid and i.indisvalid and i.indpred is null
                 and pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
                     in ('lower(' || pg_catalog.quote_ident(a.attname) || ')',
                         'lower((' || pg_catalog.quote_ident(a.attname) || ')::text)'))
           as folded,
       coalesce(l.collisdeterministic, true) as distinct_texts,
       case when tn.nspname <> 'pg_catalog' then pg_catalog.quote_ident(tn.nspname) end as type_schema
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join bases b on b.type = a.atttypid and b.following = 0
join pg_catalog.pg_type t on t.oid = b.base
join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
left join pg_catalog.pg_collation l on l.oid = a.attcollation
left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
where n.nspname = %(schema)s and c.relname = %(table)s
