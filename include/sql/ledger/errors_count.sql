-- Counts the unresolved export errors of a stream by state.
select count(*) filter (where status in ('open', 'set_aside')) as open,
       count(*) filter (where status = 'waiting') as waiting
from crm_export.ExportErrors where stream = %(stream)s and status <> 'resolved'
