-- Reopens what waited: children whose parent was accepted, ignored records whose time has passed.
update crm_export.ExportErrors e
set status = 'open', next_attempt_at = clock_timestamp(),
    ignored_reason = null, ignored_until = null
where e.stream = %(stream)s
  and (e.status = 'waiting' and exists (
           select 1 from crm_export.ExportErrors p where p.id = e.waiting_for and p.status = 'resolved')
       or e.status = 'ignored' and e.ignored_until <= clock_timestamp())
