-- Contacts.
select id as "Id", 'Person ' || right(id, 6) as "LastName", email as "Email", accountid as "AccountId"
from mm.biz_contacts
