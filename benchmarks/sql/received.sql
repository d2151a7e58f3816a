-- What arrived, as text; the columns are named after the fields of Salesforce, jsforce sends an empty `Id`.
create temporary table received (
    "Id" text,
    "Key__c" text, "Name" text, "Email__c" text, "City__c" text, "Country__c" text, "Active__c" text,
    "Score__c" text, "Amount__c" text, "Visits__c" text, "Since__c" text, "Seen__c" text, "Channel__c" text,
    "Medium__c" text, "Source__c" text, "Landing_Page__c" text, "Referrer__c" text, "Campaign__c" text,
    "Keyword__c" text, "Notes__c" text, "Reject__c" text
)
