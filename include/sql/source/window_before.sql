-- Finds the last row of a window before a position.
select s.{cursor}::text, {key_text} from {source} s
where {range} and {before}
order by s.{cursor} desc, {key_order} desc limit 1
