-- Sums the rows of a window's jobs that are only counted: rejections not in ExportErrors, by code, and unprocessed rows.
with of_window as (
    select unrecorded, unprocessed from crm_export.ExportBatches where window_id = %(window_id)s and state = 'SETTLED'
), codes as (
    select each.key as code, sum(each.value::int)::int as rejected
    from of_window, jsonb_each_text(unrecorded) each
    group by each.key
)
select (select coalesce(jsonb_object_agg(code, rejected), '{}') from codes) as rejected,
       (select coalesce(sum(unprocessed), 0)::int from of_window) as unprocessed
