-- Finds an unfinished resend of the same rows.
select r.id from crm_export.ExportResends r
where r.stream = %(stream)s and r.finished_at is null and r.key is not distinct from %(key)s::text
  and r.from_at is not distinct from %(from_at)s::timestamptz and r.to_at is not distinct from %(to_at)s::timestamptz
order by r.id limit 1
