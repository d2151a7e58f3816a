-- Returns how Postgres would look for another row with an external id.
explain (format json)
select 1 from {source} o where o.{external_id} = (select s.{external_id} from {source} s limit 1)
