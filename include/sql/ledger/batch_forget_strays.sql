-- Empties the manifests of abandoned batches.
delete from crm_export.ExportBatchRows m using crm_export.ExportBatches b
where b.id = m.batch and b.id = any (%(batches)s) and b.state = 'ABANDONED'
