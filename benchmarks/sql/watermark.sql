-- Puts the watermark of the stream on a row, as if everything up to it had been exported.
insert into crm_export.ExportWatermarks (stream, cursor_at, record_key)
select 'rows', changed_at, id from {table} where id = 'TP2_' || lpad((%(row)s)::text, 12, '0')
on conflict (stream) do update set cursor_at = excluded.cursor_at, record_key = excluded.record_key
