-- Applies an action to its records: changes their state where that is allowed, and records for each whether it did.
with chosen as (
    -- locked in the order in which runs record rejections
    select e.id, e.status, e.waiting_for
    from crm_export.ExportErrors e
    join crm_export.ExportAuditRecords r on r.error = e.id and r.audit = %(audit)s
    order by e.id
    for update of e
), decided as (
    update crm_export.ExportErrors e
    set status = case when %(status)s = 'open' and exists (
                          select 1 from crm_export.ExportErrors p where p.id = e.waiting_for and p.status <> 'resolved')
                      then 'waiting' else %(status)s end,
        ignored_reason = %(reason)s, ignored_until = %(until)s,
        next_attempt_at = least(e.next_attempt_at, clock_timestamp())
    from chosen
    where e.id = chosen.id and e.status = any (%(from_statuses)s)
    returning e.id
)
update crm_export.ExportAuditRecords r
set result = case when decided.id is not null then 'done' else 'unchanged' end
from chosen left join decided on decided.id = chosen.id
where r.audit = %(audit)s and r.error = chosen.id
