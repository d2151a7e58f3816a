-- Ends the hold of a stream; the watermark stays where it is.
with released as (
    update crm_export.ExportWatermarks set stopped_at_error_id = null, held_since = null,
                                           arrived_behind = null, rejected_behind = null
    where stream = %(stream)s and stopped_at_error_id is not null
    returning stream
)
update crm_export.ExportErrors e set holding = false from released where e.stream = released.stream and e.holding
