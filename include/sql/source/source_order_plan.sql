-- Returns Postgres's plan for reading the rows after the watermark in position order.
explain (format json)
select 1 from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order} limit 1
