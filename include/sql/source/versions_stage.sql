-- Records which versions a Bulk job carries, in the snapshot in which its rows are read.
insert into crm_export.ExportedVersions (stream, staged_for, row_count, key_hashes, versions)
select %(stream)s, %(batch)s, count(*), array_agg(hashtextextended(record_key, 0)), array_agg(cursor_at)
from (
    select {key_text} collate "C" as record_key, s.{cursor} as cursor_at
    from {source} s where {at_or_below} {behind} {part}
    order by s.{cursor}, {key_order}
) carried having count(*) > 0
returning row_count
