-- Unpacks the lines of settled batches: the last version of each row that was exported since the last check.
create temp table crm_export_recent as
select distinct on (each.key_hash) each.key_hash, each.version, v.id as line
from pg_temp.crm_export_unpacked u join crm_export.ExportedVersions v using (id),
     unnest(v.key_hashes, v.versions) with ordinality as each (key_hash, version, place)
order by each.key_hash, v.id desc, each.place desc
