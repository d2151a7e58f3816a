-- Stores the id of a batch's job.
update crm_export.ExportBatches set job_id = %(job_id)s, state = 'SENDING'
where id = %(batch)s and state = 'PLANNED'
