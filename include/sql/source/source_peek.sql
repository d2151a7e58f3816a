-- Reads the first row after the watermark.
select {key_text}, s.{cursor}::text from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order} limit 1
