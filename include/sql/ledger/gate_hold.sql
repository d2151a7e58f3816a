-- Records the hold of a stream at the export error where it stopped.
with held as (
    update crm_export.ExportWatermarks
    set held_since = coalesce(held_since, clock_timestamp())
    where stream = %(stream)s and stopped_at_error_id = %(error)s
    returning stopped_at_error_id
)
update crm_export.ExportErrors set holding = true from held where id = held.stopped_at_error_id
