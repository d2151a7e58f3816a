-- Raises an alert that no trigger raises.
select crm_export.raise_alert(%(key)s, %(kind)s, %(severity)s, %(stream)s, %(subject)s, %(message)s, %(error)s)
