-- Finds what may filter the rows of a source: the policies of its table, or of tables below its view; foreign tables.
with recursive below (oid) as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %(schema)s and c.relname = %(table)s
    union
    select d.refobjid
    from below b
    join pg_rewrite r on r.ev_class = b.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
     and d.refclassid = 'pg_class'::regclass and d.refobjid <> b.oid
)
select format('%%s.%%s', n.nspname, c.relname) as name, c.relkind = 'f' as is_foreign, c.relrowsecurity as has_policies,
       array(select p.polname::text from pg_policy p where p.polrelid = c.oid order by p.polname) as policies
from below b join pg_class c on c.oid = b.oid join pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity or c.relkind = 'f'
order by name
