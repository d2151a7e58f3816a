-- Reads the settings that this server has, of those listed, and what they are at the moment.
select s.name, s.setting from pg_catalog.pg_settings s where s.name = any (%(names)s::text[])
