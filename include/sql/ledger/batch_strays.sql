-- Finds batches that were abandoned while an upload of theirs slept, which kept then what its job left out.
select distinct b.id from crm_export.ExportBatchRows m join crm_export.ExportBatches b on b.id = m.batch
where b.stream = %(stream)s and b.state = 'ABANDONED'
