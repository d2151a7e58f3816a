-- Returns whether the row of a stream with this key has been exported.
select exists (select from {source} s
               join crm_export.ExportWatermarks w on w.stream = %(stream)s and s.{cursor} <= w.cursor_at
               where {has_key})
