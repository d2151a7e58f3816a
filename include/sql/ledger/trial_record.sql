-- Reads the record of an unfinished trial of the last hour.
select e.stream, e.record_key
from crm_export.ExportTrials t
join crm_export.ExportErrors e on e.id = t.error
where t.audit = %(trial)s and t.ended_at is null and t.asked_at > clock_timestamp() - interval '1 hour'
