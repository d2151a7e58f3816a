-- Loads the external ids that Salesforce lists.
copy pg_temp.crm_export_listed from stdin
