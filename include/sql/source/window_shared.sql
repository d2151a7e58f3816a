-- Finds a row of a window whose position another row shares, or that has no key.
select coalesce(found.record_key, '(NULL)')
from (
    select {key_text} as record_key, {shares_position} as shared from {source} s where {range}
    window positions as (order by s.{cursor}, {key_order})
) found
where found.shared limit 1
