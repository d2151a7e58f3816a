-- Records what a check found; a finding that is still open keeps its line.
insert into crm_export.ExportFindings as f (stream, kind, subject, told, run)
select %(stream)s, %(kind)s, found.subject, found.told, %(run)s
from unnest(%(subjects)s::text[], %(tolds)s::text[]) as found (subject, told)
on conflict (stream, kind, subject) where closed_at is null do update set
    last_seen_at = clock_timestamp(), told = excluded.told, run = excluded.run
