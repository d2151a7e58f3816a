-- The owners of the stack's databases, and the only roles that may connect.
alter database airflow owner to airflow;
revoke all on database airflow from public;
revoke all on database northwind from public;
grant connect, create on database northwind to warehouse;
grant connect, temporary on database northwind to crm_export;
