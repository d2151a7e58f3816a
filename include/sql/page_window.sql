-- The rows of a window that no CSV carries, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, s.*
from {source} s
where {range} and {special}
order by s.{cursor}, {key_order}
limit %(limit)s
