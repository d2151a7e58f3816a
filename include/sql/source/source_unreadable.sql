-- Counts rows that have no valid position: no change time, or one in the future; and whether a row has no key.
select (select count(*) from (select 1 from {source} s where s.{cursor} is null limit 1000) a),
       (select count(*) from (select 1 from {source} s
                              where s.{cursor} > statement_timestamp() + interval '1 day' limit 1000) b),
       {lacks_key}
