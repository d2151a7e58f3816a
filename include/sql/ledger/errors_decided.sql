-- Returns whether an operator decided about any record of a stream.
select exists (select 1 from crm_export.ExportErrors where stream = %(stream)s and status in ('set_aside', 'ignored'))
