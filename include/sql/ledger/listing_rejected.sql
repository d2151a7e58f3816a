-- Takes the rejected rows out of a manifest: those that are left were accepted.
delete from crm_export.ExportBatchRows m using crm_export_results r
where m.batch = %(batch)s and r.kind = 'rejected' and r.record_key = m.record_key
