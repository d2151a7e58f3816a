-- Undoes what a role or a database has set for plans, durability and sort memory.
select pg_catalog.set_config(s.name, case s.name when 'synchronous_commit' then 'on' else s.boot_val end, false)
from pg_catalog.pg_settings s
where case when s.name like 'enable\_%' then s.setting <> s.boot_val and s.source in ('user', 'database', 'database user')
           when s.name = 'synchronous_commit' then s.setting = 'off'
           when s.name = 'work_mem' then s.setting::bigint < s.boot_val::bigint
           else false end
