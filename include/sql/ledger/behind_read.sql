-- Reads what a Bulk job did after the record at which a stream is stopped.
select coalesce(arrived_behind, 0) as arrived, coalesce(rejected_behind, '{}') as rejected
from crm_export.ExportWatermarks where stream = %(stream)s
