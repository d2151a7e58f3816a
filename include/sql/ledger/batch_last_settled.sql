-- Reads when the last batch of a stream was settled, minus an hour because clocks differ.
select to_char((max(settled_at) - interval '1 hour') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from crm_export.ExportBatches where stream = %(stream)s and state = 'SETTLED'
