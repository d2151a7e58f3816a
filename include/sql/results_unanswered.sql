-- Finds the first row of a window that was sent and has no answer.
select s.{cursor}::text, s.{key}::text from {source} s
where {range} and {special} is not true {part} and not exists (
    select 1 from crm_export_results r where r.kind in ('accepted', 'refused') and {answered})
order by s.{cursor}, {key_order} limit 1
