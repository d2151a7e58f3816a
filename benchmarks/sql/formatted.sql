-- The rows, formatted for Salesforce: the raw limit copies them, the peers read them. The session is in UTC.
select id as "Key__c", name as "Name", email as "Email__c", city as "City__c", country as "Country__c",
       active::text as "Active__c", score::text as "Score__c", amount::text as "Amount__c", visits::text as "Visits__c",
       since::text as "Since__c", replace((seen at time zone 'UTC')::text, ' ', 'T') || 'Z' as "Seen__c",
       channel as "Channel__c", medium as "Medium__c", origin as "Source__c", landing_page as "Landing_Page__c",
       referrer as "Referrer__c", campaign as "Campaign__c", keyword as "Keyword__c", notes as "Notes__c",
       reject as "Reject__c"
from {table}
order by changed_at, id collate "C"
