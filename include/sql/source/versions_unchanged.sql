-- Compares each packed line as a whole with the rows of its range: an unchanged line has exactly these rows.
-- A row of which another version was exported since is late, even if it has not changed.
with line as materialized (
    select v.id, v.cursor_at, v.record_key, v.row_count,
           coalesce(lag(v.cursor_at) over place, '-infinity') as from_cursor_at,
           lag(v.record_key) over place as from_record_key
    from crm_export.ExportedVersions v
    where v.stream = %(stream)s and v.cursor_at is not null
    window place as (order by v.cursor_at, {line_key})
), chosen as materialized (
    select l.* from line l
    where (l.cursor_at, {chosen_key}) <= (%(cursor_at)s::timestamptz, {end_key})
      and (%(from_cursor_at)s::timestamptz is null
           or (l.cursor_at, {chosen_key}) > (%(from_cursor_at)s::timestamptz, {from_key}))
    order by l.cursor_at, {chosen_key} limit %(limit)s
)
select l.cursor_at::text, l.record_key, l.row_count as rows,
       coalesce((
           select case when found.rows = l.row_count and not found.is_replaced
                       then found.key_hashes = v.key_hashes and found.versions = v.versions end
           from crm_export.ExportedVersions v, (
               select count(*) as rows, array_agg(p.key_hash) as key_hashes, array_agg(p.cursor_at) as versions,
                      bool_or(p.key_hash in (select r.key_hash from pg_temp.crm_export_recent r)
                              and (p.key_hash, p.cursor_at) not in (
                                  select r.key_hash, r.version from pg_temp.crm_export_recent r)) as is_replaced
               from (
                   select hashtextextended({key_text} collate "C", 0) as key_hash, s.{cursor} as cursor_at
                   from {source} s
                   where (s.{cursor}, {key_order}) <= (l.cursor_at, {chosen_key})
                     and (s.{cursor}, {key_order}) > (l.from_cursor_at, {chosen_from})
                   order by s.{cursor}, {key_order} limit l.row_count + 1
               ) p
           ) found
           where v.id = l.id and v.key_hashes is not null), false) as unchanged
from chosen l
order by l.cursor_at, {chosen_key}
