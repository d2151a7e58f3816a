-- Counts refused records whose source row is not known.
select count(*) from crm_export_results where kind = 'refused' and record_key is null
