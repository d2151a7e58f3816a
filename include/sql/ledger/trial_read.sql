-- Reads a trial of the last hour, if the same person requested it.
select t.audit as id, t.error as error_id, t.asked_at, t.ended_at, t.request, t.answer, t.accepted, t.message
from crm_export.ExportTrials t
where t.audit = %(trial)s and t.asked_by = %(asked_by)s and t.asked_at > clock_timestamp() - interval '1 hour'
