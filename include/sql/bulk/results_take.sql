-- Takes the answers out of a result file. A text may be longer than an index takes; no more of it is kept than is shown.
insert into crm_export_results (external_id, kind, error, error_key, salesforce_id)
select {external_id}, %(kind)s, left({error}, 8192), md5(left({error}, 8192))::uuid, {salesforce_id}
from crm_export_result_file
