-- Returns whether a finding was recorded before, open or closed.
select exists (select 1 from crm_export.ExportFindings
               where stream = %(stream)s and kind = %(kind)s and subject = %(subject)s)
