-- The table of a result file: its columns as text, in their order.
create temp table crm_export_result_file ({columns})
