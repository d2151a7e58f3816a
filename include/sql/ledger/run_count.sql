-- Adds what a batch did to the line of its run.
update crm_export.ExportRuns
set rows_changed = rows_changed + %(rows_changed)s, rows_sent = rows_sent + %(rows_sent)s,
    accepted = accepted + %(accepted)s, refused = refused + %(rejected)s,
    api_calls = api_calls + %(api_calls)s, bytes_sent = bytes_sent + %(bytes_sent)s
where id = %(run)s
