-- Records which open transaction keeps a run from reading what has changed.
update crm_export.ExportRuns
set blocking_pid = %(pid)s, blocking_application = %(application)s, rows_blocked = %(rows)s,
    blocking_since = clock_timestamp() - %(seconds)s * interval '1 second'
where id = %(run)s
