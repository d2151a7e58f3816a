-- Deletes answers that are fetched again.
delete from crm_export_results where kind = %(kind)s
