-- Finds external ids of live rows of a window that Salesforce would take for one record: by case, blanks, or digits.
select coalesce(array_agg(folded), array[]::text[])
from (
    select {folded} as folded from {source} s
    where {range} and not {deleted} {where_blanks_only}
    group by 1 having count(*) > 1 limit 10000
) found
