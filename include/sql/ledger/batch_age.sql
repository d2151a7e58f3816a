-- Reads how long ago a batch was planned.
select clock_timestamp() - planned_at from crm_export.ExportBatches where id = %(batch)s
