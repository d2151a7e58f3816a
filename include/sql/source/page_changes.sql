-- The next changed rows, in position order.
select row_number() over positions as crm_export_ordinal, {columns}
from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
window positions as (order by s.{cursor}, {key_order})
order by s.{cursor}, {key_order}
limit %(limit)s
