-- Revokes the right to create schemas.
revoke create on database northwind from crm_export;
