-- What it means to go on past refused records now: how many there are, and which streams are stopped at one.
select (select count(*) from crm_export.ExportErrors where status in ('open', 'waiting')) as refused_now,
       coalesce((select jsonb_agg(jsonb_build_object(
           'stream', w.stream, 'error_id', e.id, 'record_key', left(e.record_key, 300)) order by w.stream)
        from crm_export.ExportWatermarks w
        join crm_export.ExportErrors e on e.id = w.stopped_at_error_id and e.status in ('open', 'waiting')), '[]') as holds
