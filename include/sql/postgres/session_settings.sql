-- Sets what text output, plans and timeouts depend on; settings that this server lacks are left out.
select set_config(s.name, wanted.value, false)
from pg_settings s join unnest(%(names)s::text[], %(values)s::text[]) wanted (name, value) on wanted.name = s.name
