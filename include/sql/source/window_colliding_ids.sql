-- Finds external ids of live rows of a window that differ only in case or blanks: Salesforce would take them for one record.
select coalesce(array_agg(folded), array[]::text[])
from (
    select lower(btrim({external_id}::text)) as folded from {source} s
    where {range} and not {deleted}
    group by 1 having count(*) > 1 limit 10000
) found
