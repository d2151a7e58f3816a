-- Drops the table of a result file.
drop table if exists crm_export_result_file
