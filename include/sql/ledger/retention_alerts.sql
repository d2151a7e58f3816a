-- Deletes a slice of the alerts that were cleared long ago, with their deliveries.
delete from crm_export.ExportAlerts where id in (
    select a.id from crm_export.ExportAlerts a
    where a.cleared_at < clock_timestamp() - %(keep_days)s * interval '1 day' limit %(slice)s)
