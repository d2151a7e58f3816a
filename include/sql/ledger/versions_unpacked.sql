-- Lists the lines of settled batches that exist when a check begins; those added later are kept for the next check.
create temp table crm_export_unpacked as
select v.id, true as from_start
from crm_export.ExportedVersions v
where v.stream = %(stream)s and v.cursor_at is null and v.staged_for is null
