-- Compares a page of the source with the versions last exported; packs what matches into one line, returns the rest.
with page as materialized (
    select {key_text} collate "C" as record_key, s.{cursor} as cursor_at, {shares_position} as shared,
           row_number() over positions as place
    from {source} s
    where {at_or_below} {behind}
    window positions as (order by s.{cursor}, {key_order})
    order by s.{cursor}, {key_order} limit %(limit)s
), known as materialized (
    select each.key_hash, each.version
    from crm_export.ExportedVersions v, unnest(v.key_hashes, v.versions) as each (key_hash, version)
    where v.id = any (%(lines)s)
), judged as materialized (
    select p.*, hashtextextended(p.record_key, 0) as key_hash,
           case when r.key_hash is not null then r.version = p.cursor_at
                else %(on_trust)s
                     or (hashtextextended(p.record_key, 0), p.cursor_at) in (select key_hash, version from known)
                end as exported
    from page p
    left join crm_export_recent r on r.key_hash = hashtextextended(p.record_key, 0)
), reach as (
    -- a page that is not full ends where its section ends
    select count(*) as checked,
           case when count(*) = %(limit)s then max(cursor_at) else %(cursor_at)s::timestamptz end as cursor_at,
           case when count(*) = %(limit)s
                then (select record_key from judged order by place desc limit 1)
                else %(record_key)s::text end as record_key
    from judged
), packed as materialized (
    select r.cursor_at, r.record_key, count(j.place)::int as row_count,
           coalesce(array_agg(j.key_hash order by j.place) filter (where j.place is not null), '{{}}') as key_hashes,
           coalesce(array_agg(j.cursor_at order by j.place) filter (where j.place is not null), '{{}}') as versions
    from reach r left join judged j on j.exported
    group by r.cursor_at, r.record_key
), same as (
    select v.id from crm_export.ExportedVersions v join packed using (cursor_at, record_key, key_hashes, versions)
    where v.id = any (%(lines)s)
), dropped as (
    delete from crm_export.ExportedVersions v using reach
    where v.id = any (%(lines)s) and v.id not in (select id from same)
      and (v.cursor_at, {line_key}) <= (reach.cursor_at, {reach_key})
), written as (
    insert into crm_export.ExportedVersions (stream, cursor_at, record_key, row_count, key_hashes, versions)
    select %(stream)s, cursor_at, record_key, row_count, key_hashes, versions
    from packed where row_count > 0 and not exists (select 1 from same)
)
select reach.checked, reach.cursor_at::text, reach.record_key,
       array(select record_key from judged where not exported order by place),
       (select coalesce(record_key, '(NULL)') from judged where shared limit 1)
from reach
