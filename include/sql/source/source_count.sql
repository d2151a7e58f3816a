-- Counts the rows after the watermark, up to a limit.
select count(*) from (
    select 1 from {source} s where s.{cursor} < %(horizon)s::timestamptz {after} limit %(limit)s
) waiting
