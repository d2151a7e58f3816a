-- Reads the oldest change behind the watermark, also above the horizon, when it is older than some hours.
select to_char(first.changed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
from (select s.{cursor} as changed_at from {source} s
      where s.{cursor} < clock_timestamp() {after}
      order by s.{cursor}, {key_order} limit 1) first
where first.changed_at < clock_timestamp() - %(hours)s * interval '1 hour'
