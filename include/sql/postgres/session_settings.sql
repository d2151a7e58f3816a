-- Sets what texts, plans and waits depend on; settings that this server does not have are left out.
select set_config(s.name, wanted.value, false)
from pg_settings s join unnest(%(names)s::text[], %(values)s::text[]) wanted (name, value) on wanted.name = s.name
