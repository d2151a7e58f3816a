-- Stores how many rows a job has.
update crm_export.ExportBatches set sent = %(sent)s
where id = %(batch)s and state = 'SENDING'
