-- Finds rows that changed shortly before the watermark and were not exported in that version, except in lines on trust.
with bounds as (
    select %(cursor_at)s::timestamptz - %(seconds)s * interval '1 second' as since
), known as materialized (
    select each.key_hash, each.version
    from bounds, crm_export.ExportedVersions v, unnest(v.key_hashes, v.versions) as each (key_hash, version)
    where v.stream = %(stream)s and v.staged_for is null
      and (v.cursor_at is null or v.cursor_at >= bounds.since) and each.version >= bounds.since
)
select {key_text}
from {source} s
where s.{cursor} >= (select since from bounds) and {at_or_below}
  and not exists (
      select 1 from known k
      where k.key_hash = hashtextextended({key_text} collate "C", 0) and k.version = s.{cursor})
  and not exists (
      select 1 from crm_export.ExportedVersions t
      where t.stream = %(stream)s and t.key_hashes is null and t.cursor_at >= s.{cursor})
order by s.{cursor}, {key_order} limit %(limit)s
