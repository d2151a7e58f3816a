-- Requests the trial of a record; trials older than an hour are deleted with their values.
with expired as (
    delete from crm_export.ExportTrials where asked_at < clock_timestamp() - interval '1 hour'
)
insert into crm_export.ExportTrials (audit, asked_by, error) values (%(audit)s, %(asked_by)s, %(error)s)
