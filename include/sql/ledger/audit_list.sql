-- Lists what people did, newest first.
select a.id, a.at, a.actor, a.action, a.setting, a.from_value, a.to_value, a.acknowledgement, a.reason, a.until,
       a.selection, coalesce(n.records, 0) as records, coalesce(n.streams, '{}') as streams
from crm_export.ExportAudit a
left join lateral (
    select count(*) as records, array_agg(distinct r.stream) as streams
    from crm_export.ExportAuditRecords r where r.audit = a.id
) n on true
where %(before)s::bigint is null or a.id < %(before)s
order by a.id desc limit %(limit)s
