-- Returns whether an open alert of a stream is a hold or a failure that a run has written.
select exists (
    select from crm_export.ExportAlerts a
    where a.stream = %(stream)s and a.cleared_at is null
      and (a.kind = 'held' or (a.kind = 'run_failed' and a.subject not like 'task:%%')))
