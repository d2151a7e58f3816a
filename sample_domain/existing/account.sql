-- Accounts; the integration user may not edit two of 60.
select id as "Id", name as "Name", web_site as "Website",
       row_number() over (order by id) %% 60 in (55, 58) as "Restricted__c"
from mm.biz_accounts
