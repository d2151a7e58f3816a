-- Finds the packed lines of the next section: as many as fit in a page, at least one. A line on trust is one section.
with own as materialized (
    select v.id, v.cursor_at, v.record_key, v.row_count, v.key_hashes is null as on_trust
    from crm_export.ExportedVersions v
    where v.stream = %(stream)s and v.cursor_at is not null
), behind as (
    select v.*, row_number() over place as n, sum(v.row_count) over place as so_far,
           count(*) filter (where v.on_trust) over place as trusted
    from own v
    where (v.cursor_at, {line_key}) <= (%(cursor_at)s::timestamptz, {end_key})
      and (%(from_cursor_at)s::timestamptz is null
           or (v.cursor_at, {line_key}) > (%(from_cursor_at)s::timestamptz, {from_key}))
    window place as (order by v.cursor_at, {line_key})
)
select coalesce(array_agg(id), '{{}}') as lines, coalesce(bool_or(on_trust), false) as on_trust,
       (array_agg(cursor_at::text order by n desc))[1] as cursor_at, (array_agg(record_key order by n desc))[1] as record_key
from behind where n = 1 or (so_far <= %(limit)s and trusted = 0)
