-- Records which version of each row a batch has exported or listed in ExportErrors.
insert into crm_export.ExportedVersions (stream, row_count, key_hashes, versions)
select %(stream)s, count(*), array_agg(hashtextextended(record_key, 0) order by ordinal),
       array_agg(cursor_at order by ordinal)
from crm_export.ExportBatchRows
where batch = %(batch)s and (ordinal <= %(last)s or ordinal = any (%(ordinals)s))
having count(*) > 0
