-- Counts rejected records whose source row is not known.
select count(*) from crm_export_results where kind = 'rejected' and record_key is null
