-- Returns whether an operator has set aside or ignored any record of a stream.
select exists (select 1 from crm_export.ExportErrors where stream = %(stream)s and status in ('set_aside', 'ignored'))
