-- Finds the last row that may be read, and how many there are after the watermark.
select s.{cursor}::text, {key_text},
       (select count(*) from {source} s where s.{cursor} < %(horizon)s::timestamptz {after})
from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor} desc, {key_order} desc limit 1
