-- Grants the right to create the schema of the export.
grant create on database northwind to crm_export;
