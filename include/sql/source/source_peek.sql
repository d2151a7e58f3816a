-- Reads the first row behind the watermark.
select s.{key}::text, s.{cursor}::text from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order} limit 1
