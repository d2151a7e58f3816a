-- Unpacks the lines of batches that other runs have settled in their turns during the check.
with added as (
    insert into pg_temp.crm_export_unpacked (id, from_start)
    select v.id, false
    from crm_export.ExportedVersions v
    where v.stream = %(stream)s and v.cursor_at is null and v.staged_for is null
      and not exists (select from pg_temp.crm_export_unpacked u where u.id = v.id)
    returning id
)
insert into pg_temp.crm_export_recent as known (key_hash, version, line)
select distinct on (each.key_hash) each.key_hash, each.version, v.id
from added join crm_export.ExportedVersions v using (id),
     unnest(v.key_hashes, v.versions) with ordinality as each (key_hash, version, place)
order by each.key_hash, v.id desc, each.place desc
on conflict (key_hash) do update set version = excluded.version, line = excluded.line where excluded.line > known.line
