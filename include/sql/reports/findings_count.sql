-- How many things the daily check found and finds still, by stream.
select stream, count(*) as findings from crm_export.ExportFindings where closed_at is null group by stream
