-- Stores which rows of a window a job leaves out, in the snapshot in which its rows are read.
insert into crm_export.ExportBatchRows as m (batch, ordinal, record_key, cursor_at)
select %(batch)s, row_number() over (order by s.{cursor}, {key_order}), {key_text}, s.{cursor}
from {source} s where {range} and {needs_collections} {part}
-- when the upload is repeated after a new login
on conflict (batch, ordinal) do update set record_key = excluded.record_key, cursor_at = excluded.cursor_at
