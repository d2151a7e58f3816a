-- What a run of schema version 1 left: dumped by pg_dump from a database that the exporter of that version wrote.
CREATE SCHEMA app;
CREATE TABLE app.accounts (
    id integer NOT NULL,
    ext text,
    name text,
    kind text,
    amount numeric,
    notes text,
    changed_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone
);
CREATE TABLE app.contacts (
    id text NOT NULL,
    ext text,
    name text,
    account text,
    changed_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY app.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);
CREATE INDEX accounts_changed_at_id_idx ON app.accounts USING btree (changed_at, id);
CREATE INDEX contacts_changed_at_id_idx ON app.contacts USING btree (changed_at, id COLLATE "C");
ALTER TABLE app.accounts DISABLE TRIGGER ALL;
INSERT INTO app.accounts (id, ext, name, kind, amount, notes, changed_at, deleted_at) VALUES
	(1, 'A1', 'Account 1', NULL, NULL, NULL, '2026-01-01 00:01:00+00', NULL),
	(4, 'A4', 'Account 4', NULL, NULL, NULL, '2026-01-01 00:04:00+00', NULL),
	(6, 'A6', 'Account 6', NULL, NULL, NULL, '2026-01-01 00:06:00+00', NULL),
	(2, 'A2', 'bad', NULL, NULL, NULL, '2026-01-01 00:02:00+00', NULL),
	(3, 'A3', 'Account 3', NULL, NULL, NULL, '2026-01-01 00:07:00+00', '2026-01-01 00:07:00+00'),
	(5, 'A5', 'Account 5, mended', NULL, NULL, NULL, '2026-01-01 00:09:00+00', NULL),
	(20, 'A20', 'Account 20', NULL, NULL, NULL, '2026-01-01 00:20:00+00', NULL),
	(21, 'A21', 'bad', NULL, NULL, NULL, '2026-01-01 00:21:00+00', NULL),
	(22, 'A22', 'Account 22', NULL, NULL, NULL, '2026-01-01 00:22:00+00', NULL),
	(23, 'A23', 'Account 23', NULL, NULL, NULL, '2026-01-01 00:23:00+00', NULL);
ALTER TABLE app.accounts ENABLE TRIGGER ALL;
ALTER TABLE app.contacts DISABLE TRIGGER ALL;
INSERT INTO app.contacts (id, ext, name, account, changed_at) VALUES
	('c1', 'C1', 'Contact 1', 'A1', '2026-01-01 01:00:00+00'),
	('c2', 'C2', 'Contact 2', 'A2', '2026-01-01 02:00:00+00'),
	('c5', 'C5', 'Contact 5', 'A5', '2026-01-01 05:00:00+00'),
	('c6', 'C6', 'Contact 6', 'A6', '2026-01-01 06:00:00+00');
ALTER TABLE app.contacts ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportruns DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportruns (id, stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors, started_at, ended_at, rows_changed, rows_sent, accepted, refused, api_calls, bytes_sent, rows_waiting, outcome, message) OVERRIDING SYSTEM VALUE VALUES
	(1, 'accounts', 'export', 'CRMExport', 'run1', 'export_changes', 1, false, '2026-11-28 23:34:22.58605+00', '2026-11-28 23:34:22.753035+00', 6, 6, 5, 1, 2, 715, NULL, 'complete', 'Everything up to the horizon is exported.'),
	(2, 'accounts', 'export', 'CRMExport', 'run2', 'export_changes', 1, false, '2026-11-28 23:34:22.761357+00', '2026-11-28 23:34:22.85234+00', 1, 1, 1, 0, 2, 0, NULL, 'complete', 'Everything up to the horizon is exported.'),
	(3, 'contacts', 'export', 'CRMExport', 'run3', 'export_changes', 1, false, '2026-11-28 23:34:22.856988+00', '2026-11-28 23:34:22.914912+00', 2, 2, 1, 1, 2, 225, NULL, 'complete', 'Everything up to the horizon is exported.'),
	(4, 'accounts', 'reexport', 'CRMExport', 'run4', 'export_changes', 1, true, '2026-11-28 23:34:22.916355+00', '2026-11-28 23:34:22.964564+00', 1, 1, 0, 1, 1, 140, NULL, 'complete', '1 tried, 0 exported, 1 still refused, 0 gone from the source, 0 left to CRMExport, 0 waiting for a parent.'),
	(5, 'accounts', 'export', 'CRMExport', 'run5', 'export_changes', 1, false, '2026-11-28 23:34:22.975638+00', '2026-11-28 23:34:23.052755+00', 1, 1, 0, 1, 1, 146, NULL, 'complete', 'Everything up to the horizon is exported.'),
	(6, 'accounts', 'export', 'CRMExport', 'run6', 'export_changes', 1, false, '2026-11-28 23:34:23.060239+00', '2026-11-28 23:34:23.124843+00', 1, 1, 1, 0, 1, 154, NULL, 'complete', 'Everything up to the horizon is exported.'),
	(7, 'accounts', 'export', 'CRMExport', 'run7', 'export_changes', 1, true, '2026-11-28 23:34:23.13282+00', '2026-11-28 23:34:23.196505+00', 4, 4, 1, 1, 2, 638, 2, 'held', 'Stopped at a refused record; 2 changed rows wait behind it.'),
	(8, 'contacts', 'export', 'CRMExport', 'run8', 'export_changes', 1, true, '2026-11-28 23:34:23.212862+00', NULL, 0, 0, 0, 0, 0, 0, NULL, 'running', NULL);
ALTER TABLE crm_export.exportruns ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportbatches DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportbatches (id, stream, run, epoch, transport, action, state, job_id, row_count, sent, accepted, refused, unprocessed, planned_at, settled_at) OVERRIDING SYSTEM VALUE VALUES
	(1, 'accounts', 1, 1, 'collections', 'upsert', 'SETTLED', NULL, 6, 6, 5, 1, 0, '2026-11-28 23:34:22.676841+00', '2026-11-28 23:34:22.738777+00'),
	(2, 'accounts', 2, 2, 'collections', 'delete', 'SETTLED', NULL, 1, 1, 1, 0, 0, '2026-11-28 23:34:22.787096+00', '2026-11-28 23:34:22.848331+00'),
	(3, 'contacts', 3, 1, 'collections', 'upsert', 'SETTLED', NULL, 2, 2, 1, 1, 0, '2026-11-28 23:34:22.894117+00', '2026-11-28 23:34:22.905299+00'),
	(4, 'accounts', 4, 3, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 0, 1, 0, '2026-11-28 23:34:22.926683+00', '2026-11-28 23:34:22.952468+00'),
	(5, 'accounts', 5, 4, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 0, 1, 0, '2026-11-28 23:34:22.994906+00', '2026-11-28 23:34:23.036103+00'),
	(6, 'accounts', 6, 5, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 1, 0, 0, '2026-11-28 23:34:23.072549+00', '2026-11-28 23:34:23.112348+00'),
	(7, 'accounts', 7, 6, 'collections', 'upsert', 'SETTLED', NULL, 4, 4, 1, 1, 2, '2026-11-28 23:34:23.143081+00', '2026-11-28 23:34:23.193844+00'),
	(8, 'contacts', 8, 2, 'collections', 'upsert', 'PLANNED', NULL, 2, NULL, NULL, NULL, NULL, '2026-11-28 23:34:23.224208+00', NULL);
ALTER TABLE crm_export.exportbatches ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportbatchrows DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportbatchrows (batch, ordinal, record_key, external_id, cursor_at) VALUES
	(8, 1, 'c5', 'C5', '2026-01-01 05:00:00+00'),
	(8, 2, 'c6', 'C6', '2026-01-01 06:00:00+00');
ALTER TABLE crm_export.exportbatchrows ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exporterrors DISABLE TRIGGER ALL;
INSERT INTO crm_export.exporterrors (id, stream, object, record_key, external_id, salesforce_id, operation, record_changed_at, error_code, error_name, error_class, error_message, error_fields, status, waiting_for, holding, attempts, reexports, first_seen_at, last_seen_at, next_attempt_at, resolved_at, resolved_by, ignored_reason, ignored_until, dag_id, run_id, job_id, payload) OVERRIDING SYSTEM VALUE VALUES
	(2, 'contacts', 'Contact', 'c2', 'C2', NULL, 'upsert', '2026-01-01 02:00:00+00', 'INVALID_FIELD', 'ParentMissing', 'parent', 'Foreign key external ID: A2 not found for field Ext__c in entity Account', '{}', 'waiting', 1, false, 1, 0, '2026-11-28 23:34:22.900915+00', '2026-11-28 23:34:22.900915+00', '2026-11-28 23:34:22.900909+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run3', NULL, NULL),
	(1, 'accounts', 'Account', '2', 'A2', NULL, 'upsert', '2026-01-01 00:02:00+00', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'ValidationRule', 'admin', 'This name is not welcome', '{Name}', 'open', NULL, false, 2, 1, '2026-11-28 23:34:22.722207+00', '2026-11-28 23:34:22.951841+00', '2026-11-29 22:34:22.951841+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run4', NULL, NULL),
	(4, 'accounts', 'Account', '5', 'A5', NULL, 'upsert', '2026-01-01 00:08:00+00', 'INSUFFICIENT_ACCESS_OR_READONLY', 'NoAccessToRecord', 'structural', 'insufficient access rights on object id', '{}', 'resolved', NULL, false, 1, 0, '2026-11-28 23:34:23.034285+00', '2026-11-28 23:34:23.034285+00', '2026-11-28 23:34:23.03428+00', '2026-11-28 23:34:23.105454+00', 'CRMExport', NULL, NULL, 'CRMExport', 'run5', NULL, NULL),
	(5, 'accounts', 'Account', '21', 'A21', NULL, 'upsert', '2026-01-01 00:21:00+00', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'ValidationRule', 'admin', 'This name is not welcome', '{Name}', 'open', NULL, true, 1, 0, '2026-11-28 23:34:23.187006+00', '2026-11-28 23:34:23.187007+00', '2026-11-28 23:34:23.187+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run7', NULL, NULL);
ALTER TABLE crm_export.exporterrors ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exporterrorattempts DISABLE TRIGGER ALL;
INSERT INTO crm_export.exporterrorattempts (id, error, attempted_at, run, record_changed_at, outcome, error_code, error_message) OVERRIDING SYSTEM VALUE VALUES
	(1, 1, '2026-11-28 23:34:22.722616+00', 1, '2026-01-01 00:02:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome'),
	(2, 2, '2026-11-28 23:34:22.901071+00', 3, '2026-01-01 02:00:00+00', 'refused', 'INVALID_FIELD', 'Foreign key external ID: A2 not found for field Ext__c in entity Account'),
	(3, 1, '2026-11-28 23:34:22.951894+00', 4, '2026-01-01 00:02:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome'),
	(4, 4, '2026-11-28 23:34:23.034449+00', 5, '2026-01-01 00:08:00+00', 'refused', 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id'),
	(5, 4, '2026-11-28 23:34:23.105522+00', 6, '2026-01-01 00:09:00+00', 'accepted', NULL, NULL),
	(6, 5, '2026-11-28 23:34:23.187149+00', 7, '2026-01-01 00:21:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome');
ALTER TABLE crm_export.exporterrorattempts ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportwatermarks DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportwatermarks (stream, cursor_at, record_key, stopped_at_error_id, held_since, lease_owner, lease_epoch, lease_until, mapping, mapping_fingerprint, described, described_at, organization_id, updated_at) VALUES
	('contacts', '2026-01-01 02:00:00+00', 'c2', NULL, NULL, NULL, 2, NULL, '{"key": "id", "cursor": "changed_at", "fields": {"Ext__c": "ext", "LastName": "name", "Account.Ext__c": "account"}, "object": "Contact", "source": "app.contacts", "deleted": null, "operation": "upsert", "external_id": "Ext__c"}', '788d019a442ecd15f290ab6e26e1449d268153c4a6d618f47c63cbe407f57fa6', '{"fields": {"Ext__c": {"name": "Ext__c", "type": "string", "createable": true, "identifies": true, "updateable": true, "case_sensitive": false}, "LastName": {"name": "LastName", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Account.Ext__c": {"name": "AccountId", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}}, "object": "Contact", "lookups": {"Account": "AccountId"}}', '2026-11-28 23:34:22.886217+00', '00Dxx0000001gPL', '2026-11-28 23:34:22.904681+00'),
	('accounts', '2026-01-01 00:20:00+00', '20', 5, '2026-11-28 23:34:23.204297+00', NULL, 6, NULL, '{"key": "id", "cursor": "changed_at", "fields": {"Name": "name", "Ext__c": "ext", "Kind__c": "kind", "Notes__c": "notes", "Amount__c": "amount"}, "object": "Account", "source": "app.accounts", "deleted": "deleted_at", "operation": "upsert", "external_id": "Ext__c"}', 'b9f2899531a7a5880567bf0be76e0819c8da52982895a7c825a670bd3cd5dbc5', '{"fields": {"Name": {"name": "Name", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Ext__c": {"name": "Ext__c", "type": "string", "createable": true, "identifies": true, "updateable": true, "case_sensitive": false}, "Kind__c": {"name": "Kind__c", "type": "picklist", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Notes__c": {"name": "Notes__c", "type": "textarea", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Amount__c": {"name": "Amount__c", "type": "double", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}}, "object": "Account", "lookups": {}}', '2026-11-28 23:34:22.662453+00', '00Dxx0000001gPL', '2026-11-28 23:34:23.193462+00');
ALTER TABLE crm_export.exportwatermarks ENABLE TRIGGER ALL;
SELECT pg_catalog.setval('crm_export.exportbatches_id_seq', 8, true);
SELECT pg_catalog.setval('crm_export.exporterrorattempts_id_seq', 6, true);
SELECT pg_catalog.setval('crm_export.exporterrors_id_seq', 5, true);
SELECT pg_catalog.setval('crm_export.exportruns_id_seq', 8, true);
