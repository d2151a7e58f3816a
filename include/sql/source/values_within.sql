-- Finds which of some values a column still has; a multi-select text holds several values.
select distinct v.value
from {source} s
cross join unnest(case when %(several)s then string_to_array(s.{column}::text, ';') else array[s.{column}::text] end) v (value)
where {alive} and v.value = any (%(wanted)s::text[])
