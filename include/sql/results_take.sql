-- Takes the answers out of a result file.
insert into crm_export_results (external_id, kind, error, salesforce_id)
select {external_id}, %(kind)s, {error}, {salesforce_id} from crm_export_result_file
