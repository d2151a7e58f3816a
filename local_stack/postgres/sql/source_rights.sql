-- The exporter may read what the warehouse's owner or the administrator creates, and see all sessions for its horizon.
grant pg_read_all_stats to crm_export;
alter default privileges for role warehouse grant usage on schemas to crm_export;
alter default privileges for role warehouse grant select on tables to crm_export;
alter default privileges for role postgres grant usage on schemas to crm_export;
alter default privileges for role postgres grant select on tables to crm_export;
