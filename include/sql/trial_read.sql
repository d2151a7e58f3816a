-- Reads a trial, if it is the same person who asked for it within the last hour.
select t.audit as id, t.error as error_id, t.asked_at, t.ended_at, t.request, t.answer, t.accepted, t.message, e.stream
from crm_export.ExportTrials t join crm_export.ExportErrors e on e.id = t.error
where t.audit = %(trial)s and t.asked_by = %(asked_by)s and t.asked_at > clock_timestamp() - interval '1 hour'
