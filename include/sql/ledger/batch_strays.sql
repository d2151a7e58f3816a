-- Finds abandoned batches with a manifest that a stalled upload wrote after they were abandoned.
select distinct b.id from crm_export.ExportBatchRows m join crm_export.ExportBatches b on b.id = m.batch
where b.stream = %(stream)s and b.state = 'ABANDONED'
