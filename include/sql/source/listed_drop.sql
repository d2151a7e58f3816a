-- Drops the table of an earlier listing.
drop table if exists pg_temp.crm_export_listed
