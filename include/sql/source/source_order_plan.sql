-- Returns how Postgres would read the rows behind the watermark in their order.
explain (format json)
select 1 from {source} s
where s.{cursor} < %(horizon)s::timestamptz {after}
order by s.{cursor}, {key_order} limit 1
