-- Finds the n-th row after the watermark. Only that row is written as text, not the skipped ones.
select s.{cursor}::text, {key_text}
from (
    select s.{cursor}, s.{key} from {source} s
    where s.{cursor} < %(horizon)s::timestamptz {after}
    order by s.{cursor}, {key_order} offset %(rows)s - 1 limit 1
) s
