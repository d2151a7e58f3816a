-- The unresolved export errors of each stream by state: the one count that the page, the terminal and the metrics show.
select stream, count(*) filter (where status = 'open') as open,
       count(*) filter (where status = 'waiting') as waiting,
       count(*) filter (where status = 'set_aside') as set_aside,
       count(*) filter (where status = 'ignored') as ignored
from crm_export.ExportErrors where status <> 'resolved' group by stream
