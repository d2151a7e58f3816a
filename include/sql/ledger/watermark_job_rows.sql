-- Stores how many rows the last good window of Bulk jobs had; NULL: the next run starts over.
update crm_export.ExportWatermarks set job_rows = %(rows)s, job_rows_at = clock_timestamp()
where stream = %(stream)s and lease_epoch = %(epoch)s
