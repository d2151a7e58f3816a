-- The codes of the unresolved errors of records, by key.
select record_key, error_code
from crm_export.ExportErrors
where stream = %(stream)s and record_key = any (%(keys)s) and status <> 'resolved'
