-- Reads how far the source may be read.
select standby, blind, prepared, horizon::text, oldest_pid, oldest_application, oldest_age, owner
from crm_export.export_horizon(%(harmless_roles)s, %(harmless_applications)s)
