-- The last change of each setting that was made on the page.
select distinct on (setting) setting, actor, at, to_value
from crm_export.ExportAudit where setting is not null
order by setting, id desc
