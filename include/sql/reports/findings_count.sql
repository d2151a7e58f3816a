-- Counts the open findings of the daily check by stream.
select stream, count(*) as findings from crm_export.ExportFindings where closed_at is null group by stream
