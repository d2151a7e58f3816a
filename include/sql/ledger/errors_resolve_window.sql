-- Resolves the export errors of a window's records: those that its jobs carried and that were not rejected again were
-- accepted. A row that was back-dated into the window since was not carried.
with carried as materialized (
    select each.key_hash, each.version
    from crm_export.ExportedVersions v, unnest(v.key_hashes, v.versions) as each (key_hash, version)
    where v.staged_for = any (%(batches)s)
), resolved as (
    update crm_export.ExportErrors e
    set status = 'resolved', resolved_at = clock_timestamp(), resolved_by = %(by)s, holding = false
    from {source} s
    where e.stream = %(stream)s and {is_of_error} and {range}
      and (e.status in ('open', 'waiting')
           or e.status in ('set_aside', 'ignored') and e.record_changed_at is distinct from s.{cursor})
      -- only a rejection sets it
      and e.last_seen_at < %(planned_at)s::timestamptz
      -- coalesce keeps this a hashed lookup, which is built for the first such error only
      and coalesce((hashtextextended({key_text} collate "C", 0), s.{cursor})
                   in (select key_hash, version from carried), false)
    returning e.id, s.{cursor} as cursor_at
)
insert into crm_export.ExportErrorAttempts (error, run, record_changed_at, outcome)
select id, %(run)s, cursor_at, 'accepted' from resolved
