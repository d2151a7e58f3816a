-- Reads the oldest change after the watermark, even above the horizon, if it is older than a number of hours.
select to_char(first.changed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
from (select s.{cursor} as changed_at from {source} s
      where s.{cursor} < clock_timestamp() {after}
      order by s.{cursor}, {key_order} limit 1) first
where first.changed_at < clock_timestamp() - %(hours)s * interval '1 hour'
