-- Finds the n-th row behind the watermark.
select s.{cursor}::text, s.{key}::text from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order} offset %(rows)s - 1 limit 1
