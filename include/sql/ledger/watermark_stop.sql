-- Stops a stream at an export error, or ends its stop, under our epoch.
with stopped as (
    update crm_export.ExportWatermarks
    set stopped_at_error_id = %(error)s,
        held_since = case when stopped_at_error_id = %(error)s then held_since end,
        arrived_behind = null, rejected_behind = null,
        updated_at = clock_timestamp()
    where stream = %(stream)s and lease_epoch = %(epoch)s
      and stopped_at_error_id is distinct from %(error)s
    returning stream
)
update crm_export.ExportErrors e set holding = false
from stopped where e.stream = stopped.stream and e.holding and e.id is distinct from %(error)s
