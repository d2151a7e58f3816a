-- Counts the answers, and the external ids with more than one answer.
select count(*) filter (where kind = 'accepted'), count(*) filter (where kind = 'rejected'),
       count(*) filter (where kind = 'unprocessed'), count(*) - count(distinct external_id)
from crm_export_results
