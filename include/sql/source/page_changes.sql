-- The next changed rows, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, {columns}
from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order}
limit %(limit)s
