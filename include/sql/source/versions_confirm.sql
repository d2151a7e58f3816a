-- Confirms the versions that the Bulk jobs of a window sent, up to the row to which the watermark moves.
with at_last as materialized (
    select hashtextextended({key_text} collate "C", 0) as key_hash
    from {source} s where s.{cursor} = %(cursor_at)s::timestamptz and {at_or_below}
), kept as materialized (
    select v.id, count(*)::int as row_count, array_agg(each.key_hash order by each.place) as key_hashes,
           array_agg(each.version order by each.place) as versions
    from crm_export.ExportedVersions v,
         unnest(v.key_hashes, v.versions) with ordinality as each (key_hash, version, place)
    where v.staged_for = any (%(batches)s)
      and (each.version < %(cursor_at)s::timestamptz
           or each.version = %(cursor_at)s::timestamptz and each.key_hash in (select key_hash from at_last))
    group by v.id
)
update crm_export.ExportedVersions v
set staged_for = null, row_count = kept.row_count, key_hashes = kept.key_hashes, versions = kept.versions
from kept where v.id = kept.id
