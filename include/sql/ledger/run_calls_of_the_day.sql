-- Counts the API calls of the last 24 hours.
select coalesce(sum(api_calls), 0)::bigint from crm_export.ExportRuns
where started_at > now() - interval '24 hours'
