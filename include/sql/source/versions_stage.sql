-- Records which versions a Bulk job sends, in the snapshot in which its rows are read.
with carried as (
    select count(*) as row_count, array_agg(hashtextextended(record_key, 0)) as key_hashes,
           array_agg(cursor_at) as versions, coalesce(bool_or(may_be_folded), false) as may_be_folded
    from (
        select {key_text} collate "C" as record_key, s.{cursor} as cursor_at, {may_be_folded} as may_be_folded
        from {source} s where {at_or_below} {behind} {part}
        order by s.{cursor}, {key_order}
    ) rows
), staged as (
    insert into crm_export.ExportedVersions (stream, staged_for, row_count, key_hashes, versions)
    select %(stream)s, %(batch)s, row_count, key_hashes, versions from carried where row_count > 0
)
select row_count, may_be_folded from carried
