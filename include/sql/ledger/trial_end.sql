-- Stores the exact request and answer of a trial for the person who requested it.
update crm_export.ExportTrials
set ended_at = clock_timestamp(), accepted = %(accepted)s, request = %(request)s, answer = %(answer)s, message = %(message)s
where audit = %(trial)s and ended_at is null and asked_at > clock_timestamp() - interval '1 hour'
