-- Opportunities; one of 80 is in approval, one is being edited.
select id as "Id", name as "Name", amount as "Amount", is_closed as "IsClosed", close_date as "CloseDate",
       bizible_stage as "StageName", account_id as "AccountId",
       row_number() over (order by id) %% 80 = 19 as "In_Approval__c",
       row_number() over (order by id) %% 80 = 20 as "Being_Edited__c"
from mm.biz_opportunities
