-- One source row by its key, every mapped column as text.
select to_char(s.{cursor} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), {columns}
from {source} s where {is_given}
