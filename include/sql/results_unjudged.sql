-- Finds refusals whose text has not been judged yet.
select distinct r.error from crm_export_results r
where r.kind = 'refused' and not exists (select 1 from crm_export_verdicts v where v.error = coalesce(r.error, ''))
limit %(limit)s
