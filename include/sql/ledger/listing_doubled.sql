-- Finds a key that two rows of a manifest share.
select record_key from crm_export.ExportBatchRows where batch = %(batch)s
group by record_key having count(*) > 1 limit 1
