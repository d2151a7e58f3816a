-- Returns Postgres's plan for finding another row with the same external id.
explain (format json)
select 1 from {source} o where o.{external_id} = (select s.{external_id} from {source} s limit 1)
