-- Finds the n-th row behind the watermark. Only that row is written as text, not those that are skipped.
select found.cursor_at::text, found.record_key::text
from (
    select s.{cursor} as cursor_at, s.{key} as record_key from {source} s
    where s.{cursor} < %(horizon)s::timestamptz {after}
    order by s.{cursor}, {key_order} offset %(rows)s - 1 limit 1
) found
