-- Rows of a window by their external ids, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, s.*
from {source} s
where {range} and {external_id}::text = any (%(external_ids)s)
