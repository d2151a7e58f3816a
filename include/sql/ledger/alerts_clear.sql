-- Clears an alert that no trigger raises.
select crm_export.clear_alert(%(key)s)
