-- Resolves export errors whose source row is gone.
with gone as (
    update crm_export.ExportErrors
    set status = 'resolved', resolved_at = clock_timestamp(), resolved_by = 'source_deleted', holding = false
    where id = any (%(errors)s) and status <> 'resolved'
    returning id
)
insert into crm_export.ExportErrorAttempts (error, run, outcome) select id, %(run)s, 'gone' from gone
