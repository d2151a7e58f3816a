-- Who owns and who may enter the databases of the stack; nobody else may.
alter database airflow owner to airflow;
revoke all on database airflow from public;
revoke all on database northwind from public;
grant connect, create on database northwind to warehouse;
grant connect, temporary on database northwind to crm_export;
