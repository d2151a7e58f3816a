-- Creates the table for the external ids that Salesforce lists.
create temp table crm_export_listed (external_id text collate "C" not null, salesforce_id text not null)
