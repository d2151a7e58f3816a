-- Finds external ids in a window that Salesforce matches to one record: they differ in case, blanks or digits only.
select coalesce(array_agg(folded), array[]::text[])
from (
    select {folded} as folded from {source} s
    where {range} and not {deleted} {where_blanks_only}
    group by 1 having count(*) > 1 limit 10000
) found
