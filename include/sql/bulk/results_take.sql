-- Reads the answers from the table of a result file. A text may be too long for an index; only its shown part is kept.
insert into crm_export_results (external_id, kind, error, error_key, salesforce_id)
select {external_id}, %(kind)s, left({error}, 8192), md5(left({error}, 8192))::uuid, {salesforce_id}
from crm_export_result_file
