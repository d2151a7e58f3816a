-- Removes the rejected rows from a manifest: the remaining ones were accepted.
delete from crm_export.ExportBatchRows m using crm_export_results r
where m.batch = %(batch)s and r.kind = 'rejected' and r.record_key = m.record_key
