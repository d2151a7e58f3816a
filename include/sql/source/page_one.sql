-- One source row by its key.
select 1::bigint as crm_export_ordinal, {columns}
from {source} s where {is_given}
