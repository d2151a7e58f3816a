-- Requests a resend of a range of a stream, or of one record, and writes it to the audit.
with asked as (
    insert into crm_export.ExportResends (stream, asked_by, reason, key, from_at, to_at, rows_total)
    select %(stream)s, %(asked_by)s, %(reason)s, %(key)s, %(from_at)s::timestamptz, %(to_at)s::timestamptz,
           %(rows)s::bigint
    where not exists (select from crm_export.ExportResends r
                      where r.stream = %(stream)s and r.asked_by = %(asked_by)s and %(once)s)
    returning id, stream, reason
), audited as (
    insert into crm_export.ExportAudit (actor, action, reason, selection)
    select %(asked_by)s, 'resend', reason,
           stream || coalesce(' key=' || %(key)s::text, '') || coalesce(' from ' || %(from_at)s::text, '')
                  || coalesce(' to ' || %(to_at)s::text, '')
    from asked
)
select id from asked
