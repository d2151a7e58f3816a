-- Clears an alert that no table causes.
select crm_export.clear_alert(%(key)s)
