-- Reads the current values of the listed settings that this server has.
select s.name, s.setting from pg_catalog.pg_settings s where s.name = any (%(names)s::text[])
