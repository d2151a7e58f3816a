-- Stores how many rows a request of the stream may hold; NULL: as many as the setting allows.
update crm_export.ExportWatermarks set request_rows = %(rows)s
where stream = %(stream)s and lease_epoch = %(epoch)s
