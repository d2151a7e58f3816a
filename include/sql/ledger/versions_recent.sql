-- Unpacks the lines of settled batches: the last version of each row that was exported since the last check.
create temp table crm_export_recent as
select distinct on (each.key_hash) each.key_hash, each.version
from crm_export.ExportedVersions v,
     unnest(v.key_hashes, v.versions) with ordinality as each (key_hash, version, place)
where v.stream = %(stream)s and v.cursor_at is null and v.staged_for is null and v.id <= %(newest)s
order by each.key_hash, v.id desc, each.place desc
