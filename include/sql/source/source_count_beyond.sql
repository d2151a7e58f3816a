-- Counts the changed rows that may not be read yet, up to a limit.
select count(*) from (
    select 1 from {source} s
    where s.{cursor} >= %(horizon)s::timestamptz and s.{cursor} <= clock_timestamp() limit %(limit)s
) blocked
