-- Closes the line of a run.
update crm_export.ExportRuns
set ended_at = clock_timestamp(), outcome = %(outcome)s, message = %(message)s, failure = %(failure)s,
    rows_waiting = %(rows_waiting)s, api_calls = api_calls + %(api_calls)s,
    bytes_sent = bytes_sent + %(bytes_sent)s
where id = %(run)s
returning rows_changed, rows_sent, accepted, refused as rejected, api_calls
