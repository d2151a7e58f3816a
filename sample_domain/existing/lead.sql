-- Leads; 40 of 400 have no status reason.
select id as "Id", 'Person ' || right(id, 6) as "LastName", company as "Company", email as "Email",
       is_converted as "IsConverted",
       case when (row_number() over (order by id) - 1) %% 400 < 360 then 'Reached' end as "Lead_Status_Reason__c"
from mm.biz_leads
