-- Confirms the versions that a Bulk job carried, up to the row that the watermark moves to.
with last as (
    select v.id, max(each.place) as place
    from crm_export.ExportedVersions v,
         unnest(v.key_hashes, v.versions) with ordinality as each (key_hash, version, place)
    where v.staged_for = %(batch)s and each.version = %(cursor_at)s::timestamptz
      and each.key_hash = hashtextextended(%(record_key)s::text collate "C", 0)
    group by v.id
)
update crm_export.ExportedVersions v
set staged_for = null, row_count = last.place, key_hashes = v.key_hashes[:last.place], versions = v.versions[:last.place]
from last where v.id = last.id
