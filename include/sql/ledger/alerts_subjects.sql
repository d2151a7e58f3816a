-- Lists what the open alerts of a kind and a stream are about.
select a.subject from crm_export.ExportAlerts a
where a.kind = %(kind)s and a.stream = %(stream)s and a.cleared_at is null
order by a.subject
