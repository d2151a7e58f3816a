-- Reads a result file.
copy crm_export_result_file from stdin (format csv, header true)
