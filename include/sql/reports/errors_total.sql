-- Counts the export errors of a filter, up to a limit.
select count(*) from (
    select 1
    from crm_export.ExportErrors e
    left join crm_export.ExportWatermarks w on w.stream = e.stream and w.stopped_at_error_id = e.id
    where e.status = any (%(statuses)s)
      and (%(stream)s::text is null or e.stream = %(stream)s)
      and (%(object)s::text is null or e.object = %(object)s)
      and (%(code)s::text is null or e.error_code = %(code)s)
      and (%(error_class)s::text is null or e.error_class = %(error_class)s)
      and (%(cause)s::text is null or e.cause = %(cause)s)
      and (not %(holding)s or (w.stream is not null and e.status in ('open', 'waiting')))
      and (%(search)s::text is null
           or (e.record_key || E'\n' || coalesce(e.external_id, '') || E'\n' || e.error_message) ilike %(search)s)
    limit %(limit)s
) counted
