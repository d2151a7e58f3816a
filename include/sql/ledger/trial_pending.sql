-- Finds a trial of the same record that was requested less than a minute ago and has not ended.
select max(audit) from crm_export.ExportTrials
where error = %(error)s and ended_at is null and asked_at > clock_timestamp() - interval '1 minute'
