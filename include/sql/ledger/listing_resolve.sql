-- Resolves the export errors of the rows of a manifest.
with resolved as (
    update crm_export.ExportErrors e
    set status = 'resolved', resolved_at = clock_timestamp(), resolved_by = %(by)s, holding = false
    from crm_export.ExportBatchRows m
    where m.batch = %(batch)s and e.stream = %(stream)s and e.record_key = m.record_key and e.status <> 'resolved'
    returning e.id, m.cursor_at
)
insert into crm_export.ExportErrorAttempts (error, run, record_changed_at, outcome)
select id, %(run)s, cursor_at, 'accepted' from resolved
