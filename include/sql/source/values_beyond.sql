-- Finds values of a column that a list lacks, in the first rows; a multi-select text holds several values.
select distinct v.value
from (select s.{column}::text as text from {source} s limit %(limit)s) s
cross join unnest(case when %(several)s then string_to_array(s.text, ';') else array[s.text] end) v (value)
where v.value <> '' and v.value <> all (%(known)s::text[])
limit %(most)s
