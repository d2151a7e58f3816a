-- Deletes the values of trials that are older than an hour.
delete from crm_export.ExportTrials where asked_at < clock_timestamp() - interval '1 hour'
