-- What a run of schema version 2 left: dumped by pg_dump from a database that the exporter of that version wrote.
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
CREATE TABLE app.samples (
    id integer NOT NULL,
    ext text,
    text text,
    changed_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY app.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY app.samples
    ADD CONSTRAINT samples_pkey PRIMARY KEY (id);
CREATE INDEX accounts_changed_at_id_idx ON app.accounts USING btree (changed_at, id);
CREATE INDEX accounts_ext_idx ON app.accounts USING btree (ext);
CREATE INDEX contacts_changed_at_id_idx ON app.contacts USING btree (changed_at, id COLLATE "C");
CREATE INDEX samples_changed_at_id_idx ON app.samples USING btree (changed_at, id);
ALTER TABLE app.accounts DISABLE TRIGGER ALL;
INSERT INTO app.accounts (id, ext, name, kind, amount, notes, changed_at, deleted_at) VALUES
	(1, 'A1', 'Account 1', NULL, NULL, 'some notes', '2026-01-01 00:01:00+00', NULL),
	(4, 'A4', 'Account 4', NULL, NULL, 'some notes', '2026-01-01 00:04:00+00', NULL),
	(6, 'A6', 'Account 6', NULL, NULL, 'some notes', '2026-01-01 00:06:00+00', NULL),
	(2, 'A2', 'bad', NULL, NULL, 'some notes', '2026-01-01 00:02:00+00', NULL),
	(3, 'A3', 'Account 3', NULL, NULL, 'some notes', '2026-01-01 00:07:00+00', '2026-01-01 00:07:00+00'),
	(5, 'A5', 'Account 5, mended', NULL, NULL, 'some notes', '2026-01-01 00:09:00+00', NULL),
	(11, 'A11', 'Account 11', NULL, NULL, 'some notes', '2026-01-01 00:01:00+00', NULL),
	(20, 'A20', 'Account 20', NULL, NULL, 'some notes', '2026-01-01 00:20:00+00', NULL),
	(21, 'A21', 'bad', NULL, NULL, 'some notes', '2026-01-01 00:21:00+00', NULL),
	(22, 'A22', 'Account 22', NULL, NULL, 'some notes', '2026-01-01 00:22:00+00', NULL),
	(23, 'A23', 'Account 23', NULL, NULL, 'some notes', '2026-01-01 00:23:00+00', NULL);
ALTER TABLE app.accounts ENABLE TRIGGER ALL;
ALTER TABLE app.contacts DISABLE TRIGGER ALL;
INSERT INTO app.contacts (id, ext, name, account, changed_at) VALUES
	('c1', 'C1', 'Contact 1', 'A1', '2026-01-01 01:00:00+00'),
	('c2', 'C2', 'Contact 2', 'A2', '2026-01-01 02:00:00+00'),
	('c5', 'C5', 'Contact 5', 'A5', '2026-01-01 05:00:00+00'),
	('c6', 'C6', 'Contact 6', 'A6', '2026-01-01 06:00:00+00');
ALTER TABLE app.contacts ENABLE TRIGGER ALL;
ALTER TABLE app.samples DISABLE TRIGGER ALL;
INSERT INTO app.samples (id, ext, text, changed_at) VALUES
	(1, 'S1', 'Sample 1', '2026-01-01 00:00:01+00'),
	(2, 'S2', 'Sample 2', '2026-01-01 00:00:02+00'),
	(3, 'S3', 'Sample 3', '2026-01-01 00:00:03+00'),
	(4, 'S4', 'Sample 4', '2026-01-01 00:00:04+00'),
	(5, 'S5', 'Sample 5', '2026-01-01 00:00:05+00'),
	(6, 'S6', 'Sample 6', '2026-01-01 00:00:06+00'),
	(7, 'S7', 'Sample 7', '2026-01-01 00:00:07+00'),
	(8, 'S8', 'Sample 8', '2026-01-01 00:00:08+00'),
	(9, 'S9', 'Sample 9', '2026-01-01 00:00:09+00'),
	(10, 'S10', 'Sample 10', '2026-01-01 00:00:10+00'),
	(11, 'S11', 'Sample 11', '2026-01-01 00:00:11+00'),
	(12, 'S12', 'Sample 12', '2026-01-01 00:00:12+00'),
	(13, 'S13', 'Sample 13', '2026-01-01 00:00:13+00'),
	(14, 'S14', 'Sample 14', '2026-01-01 00:00:14+00'),
	(15, 'S15', 'Sample 15', '2026-01-01 00:00:15+00'),
	(16, 'S16', 'Sample 16', '2026-01-01 00:00:16+00'),
	(17, 'S17', 'Sample 17', '2026-01-01 00:00:17+00'),
	(18, 'S18', 'Sample 18', '2026-01-01 00:00:18+00'),
	(19, 'S19', 'Sample 19', '2026-01-01 00:00:19+00'),
	(20, 'S20', 'Sample 20', '2026-01-01 00:00:20+00'),
	(21, 'S21', 'Sample 21', '2026-01-01 00:00:21+00'),
	(22, 'S22', 'Sample 22', '2026-01-01 00:00:22+00'),
	(23, 'S23', 'Sample 23', '2026-01-01 00:00:23+00'),
	(24, 'S24', 'Sample 24', '2026-01-01 00:00:24+00'),
	(25, 'S25', 'Sample 25', '2026-01-01 00:00:25+00'),
	(26, 'S26', 'Sample 26', '2026-01-01 00:00:26+00'),
	(27, 'S27', 'Sample 27', '2026-01-01 00:00:27+00'),
	(28, 'S28', 'Sample 28', '2026-01-01 00:00:28+00'),
	(29, 'S29', 'Sample 29', '2026-01-01 00:00:29+00'),
	(30, 'S30', 'Sample 30', '2026-01-01 00:00:30+00'),
	(31, 'S31', 'Sample 31', '2026-01-01 00:00:31+00'),
	(32, 'S32', 'Sample 32', '2026-01-01 00:00:32+00'),
	(33, 'S33', 'Sample 33', '2026-01-01 00:00:33+00'),
	(34, 'S34', 'Sample 34', '2026-01-01 00:00:34+00'),
	(35, 'S35', 'Sample 35', '2026-01-01 00:00:35+00'),
	(36, 'S36', 'Sample 36', '2026-01-01 00:00:36+00'),
	(37, 'S37', 'Sample 37', '2026-01-01 00:00:37+00'),
	(38, 'S38', 'Sample 38', '2026-01-01 00:00:38+00'),
	(39, 'S39', 'Sample 39', '2026-01-01 00:00:39+00'),
	(40, 'S40', 'Sample 40', '2026-01-01 00:00:40+00');
ALTER TABLE app.samples ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportaudit DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportaudit (id, at, actor, action, setting, from_value, to_value, acknowledgement, reason, until, selection, problem) OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-28 23:34:51.930316+00', 'olga', 'set_setting', 'pause_on_export_errors', 'off', 'on', NULL, NULL, NULL, NULL, NULL),
	(2, '2026-11-28 23:34:52.084318+00', 'olga', 'try_record', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, '2026-11-28 23:34:52.088617+00', 'olga', 'retry', NULL, NULL, NULL, NULL, NULL, NULL, 'errors 1', NULL);
ALTER TABLE crm_export.exportaudit ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportauditrecords DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportauditrecords (audit, error, stream, record_key, dag_id, result) VALUES
	(3, 1, 'accounts', '2', 'CRMExport_ExportError', NULL);
ALTER TABLE crm_export.exportauditrecords ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportruns DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportruns (id, stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors, started_at, ended_at, rows_changed, rows_sent, accepted, refused, api_calls, bytes_sent, rows_waiting, oldest_change_at, outcome, message) OVERRIDING SYSTEM VALUE VALUES
	(12, 'samples', 'export', 'CRMExport', 'run12', 'export_changes', 1, false, '2026-11-28 23:34:52.229042+00', '2026-11-28 23:34:52.58559+00', 4, 4, 4, 0, 10, 972, NULL, '2026-01-01 00:00:01+00', 'waiting_for_job', 'Salesforce is at work on Bulk job 750000000000001AAA; its outcome is settled next.'),
	(1, 'accounts', 'export', 'CRMExport', 'run1', 'export_changes', 1, false, '2026-11-28 23:34:50.956906+00', '2026-11-28 23:34:51.180346+00', 6, 6, 5, 1, 2, 763, NULL, '2026-01-01 00:01:00+00', 'complete', 'Everything up to the horizon is exported; 1 records were refused and passed over, see ExportErrors.'),
	(2, 'accounts', 'export', 'CRMExport', 'run2', 'export_changes', 1, false, '2026-11-28 23:34:51.183277+00', '2026-11-28 23:34:51.291775+00', 1, 1, 1, 0, 2, 0, NULL, '2026-01-01 00:07:00+00', 'complete', 'Everything up to the horizon is exported.'),
	(3, 'contacts', 'export', 'CRMExport', 'run3', 'export_changes', 1, false, '2026-11-28 23:34:51.296743+00', '2026-11-28 23:34:51.398282+00', 2, 2, 1, 1, 2, 225, NULL, '2026-01-01 01:00:00+00', 'complete', 'Everything up to the horizon is exported; 1 records were refused and passed over, see ExportErrors.'),
	(4, 'accounts', 'reexport', 'CRMExport', 'run4', 'export_changes', 1, true, '2026-11-28 23:34:51.404277+00', '2026-11-28 23:34:51.464351+00', 1, 1, 0, 1, 1, 148, NULL, NULL, 'complete', '1 tried, 0 exported, 1 still refused, 0 gone from the source, 0 left to CRMExport, 0 waiting for a parent.'),
	(5, 'accounts', 'export', 'CRMExport', 'run5', 'export_changes', 1, false, '2026-11-28 23:34:51.47313+00', '2026-11-28 23:34:51.56067+00', 1, 1, 0, 1, 1, 154, NULL, '2026-01-01 00:08:00+00', 'complete', 'Everything up to the horizon is exported; 1 records were refused and passed over, see ExportErrors.'),
	(6, 'accounts', 'export', 'CRMExport', 'run6', 'export_changes', 1, false, '2026-11-28 23:34:51.566683+00', '2026-11-28 23:34:51.664155+00', 1, 1, 1, 0, 1, 162, NULL, '2026-01-01 00:09:00+00', 'complete', 'Everything up to the horizon is exported.'),
	(7, 'accounts', 'reconcile', 'CRMExport', 'run7', 'export_changes', 1, true, '2026-11-28 23:34:51.684226+00', '2026-11-28 23:34:51.785234+00', 1, 1, 1, 0, 1, 156, NULL, NULL, 'complete', '7 rows compared, 1 came below the watermark: 1 exported, 0 refused, 0 changed again or gone.'),
	(8, 'accounts', 'reconcile', 'CRMExport', 'run8', 'export_changes', 1, true, '2026-11-28 23:34:51.786232+00', '2026-11-28 23:34:51.848764+00', 0, 0, 0, 0, 2, 0, NULL, NULL, 'complete', '6 records listed, 1 without a row in the source.'),
	(9, 'accounts', 'reconcile', 'CRMExport', 'run9', 'export_changes', 1, true, '2026-11-28 23:34:51.852234+00', '2026-11-28 23:34:51.890786+00', 0, 0, 0, 0, 0, 0, NULL, NULL, 'complete', '7 rows compared, 0 came below the watermark: 0 exported, 0 refused, 0 changed again or gone.'),
	(10, 'accounts', 'export', 'CRMExport', 'run10', 'export_changes', 1, true, '2026-11-28 23:34:51.941622+00', '2026-11-28 23:34:52.059578+00', 4, 4, 1, 1, 2, 678, 2, '2026-01-01 00:20:00+00', 'held', 'Stopped at a refused record; 2 changed rows wait behind it.'),
	(11, 'contacts', 'export', 'CRMExport', 'run11', 'export_changes', 1, true, '2026-11-28 23:34:52.096734+00', NULL, 0, 0, 0, 0, 0, 0, NULL, '2026-01-01 05:00:00+00', 'running', NULL);
ALTER TABLE crm_export.exportruns ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportbatches DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportbatches (id, stream, run, epoch, transport, action, state, job_id, row_count, sent, accepted, refused, unprocessed, planned_at, settled_at, range_from_at, range_from_key, range_to_at, range_to_key, window_id, part, parts) OVERRIDING SYSTEM VALUE VALUES
	(1, 'accounts', 1, 1, 'collections', 'upsert', 'SETTLED', NULL, 6, 6, 5, 1, 0, '2026-11-28 23:34:51.096531+00', '2026-11-28 23:34:51.14633+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(2, 'accounts', 2, 2, 'collections', 'delete', 'SETTLED', NULL, 1, 1, 1, 0, 0, '2026-11-28 23:34:51.220429+00', '2026-11-28 23:34:51.271662+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(3, 'contacts', 3, 1, 'collections', 'upsert', 'SETTLED', NULL, 2, 2, 1, 1, 0, '2026-11-28 23:34:51.353604+00', '2026-11-28 23:34:51.370535+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(4, 'accounts', 4, 3, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 0, 1, 0, '2026-11-28 23:34:51.419429+00', '2026-11-28 23:34:51.461289+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(5, 'accounts', 5, 4, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 0, 1, 0, '2026-11-28 23:34:51.500278+00', '2026-11-28 23:34:51.537464+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(6, 'accounts', 6, 5, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 1, 0, 0, '2026-11-28 23:34:51.608841+00', '2026-11-28 23:34:51.647512+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(7, 'accounts', 7, 6, 'collections', 'upsert', 'SETTLED', NULL, 1, 1, 1, 0, 0, '2026-11-28 23:34:51.743252+00', '2026-11-28 23:34:51.778459+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(8, 'accounts', 10, 8, 'collections', 'upsert', 'SETTLED', NULL, 4, 4, 1, 1, 2, '2026-11-28 23:34:51.98844+00', '2026-11-28 23:34:52.053823+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(9, 'contacts', 11, 2, 'collections', 'upsert', 'PLANNED', NULL, 2, NULL, NULL, NULL, NULL, '2026-11-28 23:34:52.136541+00', NULL, NULL, NULL, NULL, NULL, NULL, 0, 1),
	(10, 'samples', 12, 1, 'collections', 'upsert', 'SETTLED', NULL, 4, 4, 4, 0, 0, '2026-11-28 23:34:52.278934+00', '2026-11-28 23:34:52.299237+00', NULL, NULL, NULL, NULL, NULL, 0, 1),
	(11, 'samples', 12, 1, 'bulk', 'upsert', 'SENDING', '750000000000001AAA', 36, 36, NULL, NULL, NULL, '2026-11-28 23:34:52.354854+00', NULL, '2026-01-01 00:00:04+00', '4', '2026-01-01 00:00:40+00', '40', 'c39325c3-4b0c-43e3-b9ca-d469a5346314', 0, 1);
ALTER TABLE crm_export.exportbatches ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportbatchrows DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportbatchrows (batch, ordinal, record_key, external_id, cursor_at) VALUES
	(9, 1, 'c5', 'C5', '2026-01-01 05:00:00+00'),
	(9, 2, 'c6', 'C6', '2026-01-01 06:00:00+00');
ALTER TABLE crm_export.exportbatchrows ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportedversions DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportedversions (id, stream, staged_for, cursor_at, record_key, row_count, key_hashes, versions) OVERRIDING SYSTEM VALUE VALUES
	(3, 'contacts', NULL, NULL, NULL, 2, '{-6223955098999657569,2323175234331319060}', '{"2026-01-01 01:00:00+00","2026-01-01 02:00:00+00"}'),
	(9, 'accounts', NULL, '2026-01-01 00:09:00+00', '5', 7, '{8680131335536356089,6425090028416146798,-1159030545924783614,7689889139361983756,3891415780926294124,115675922791092696,-2125702883951418858}', '{"2026-01-01 00:01:00+00","2026-01-01 00:01:00+00","2026-01-01 00:02:00+00","2026-01-01 00:04:00+00","2026-01-01 00:06:00+00","2026-01-01 00:07:00+00","2026-01-01 00:09:00+00"}'),
	(10, 'accounts', NULL, NULL, NULL, 1, '{2733101164700735646}', '{"2026-01-01 00:20:00+00"}'),
	(11, 'samples', NULL, NULL, NULL, 4, '{8680131335536356089,-1159030545924783614,115675922791092696,7689889139361983756}', '{"2026-01-01 00:00:01+00","2026-01-01 00:00:02+00","2026-01-01 00:00:03+00","2026-01-01 00:00:04+00"}'),
	(12, 'samples', 11, NULL, NULL, 36, '{-2125702883951418858,3891415780926294124,-852251272628808647,1993718048345588864,-7700661601016163648,-6260798562194081745,6425090028416146798,-6389032370494006833,-192693175395198284,-6444094817339987333,-3117368850078996932,-8240768969320986457,-1079515590364490299,7080879474721772352,-4443311395163763989,2733101164700735646,-3807124902670258656,1212193160960943774,6821764038036079827,-592687448682846230,8714658862329435146,723737828892312277,3312872503782896564,-6695544616678391404,-552084931786702218,4873629999969357468,-5790240921376542886,7076338013498975256,-2706151980703156250,3421427047374742803,8681592136977876316,5009339458074936176,-6649652011065623447,-1954081325431972083,3450080072132658679,-6982803375632589144}', '{"2026-01-01 00:00:05+00","2026-01-01 00:00:06+00","2026-01-01 00:00:07+00","2026-01-01 00:00:08+00","2026-01-01 00:00:09+00","2026-01-01 00:00:10+00","2026-01-01 00:00:11+00","2026-01-01 00:00:12+00","2026-01-01 00:00:13+00","2026-01-01 00:00:14+00","2026-01-01 00:00:15+00","2026-01-01 00:00:16+00","2026-01-01 00:00:17+00","2026-01-01 00:00:18+00","2026-01-01 00:00:19+00","2026-01-01 00:00:20+00","2026-01-01 00:00:21+00","2026-01-01 00:00:22+00","2026-01-01 00:00:23+00","2026-01-01 00:00:24+00","2026-01-01 00:00:25+00","2026-01-01 00:00:26+00","2026-01-01 00:00:27+00","2026-01-01 00:00:28+00","2026-01-01 00:00:29+00","2026-01-01 00:00:30+00","2026-01-01 00:00:31+00","2026-01-01 00:00:32+00","2026-01-01 00:00:33+00","2026-01-01 00:00:34+00","2026-01-01 00:00:35+00","2026-01-01 00:00:36+00","2026-01-01 00:00:37+00","2026-01-01 00:00:38+00","2026-01-01 00:00:39+00","2026-01-01 00:00:40+00"}');
ALTER TABLE crm_export.exportedversions ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exporterrors DISABLE TRIGGER ALL;
INSERT INTO crm_export.exporterrors (id, stream, object, record_key, external_id, salesforce_id, operation, record_changed_at, error_code, error_name, error_class, error_message, error_fields, status, waiting_for, holding, attempts, reexports, first_seen_at, last_seen_at, next_attempt_at, resolved_at, resolved_by, ignored_reason, ignored_until, dag_id, run_id, job_id, payload) OVERRIDING SYSTEM VALUE VALUES
	(2, 'contacts', 'Contact', 'c2', 'C2', NULL, 'upsert', '2026-01-01 02:00:00+00', 'INVALID_FIELD', 'ParentMissing', 'parent', 'Foreign key external ID: A2 not found for field Ext__c in entity Account', '{}', 'waiting', 1, false, 1, 0, '2026-11-28 23:34:51.363771+00', '2026-11-28 23:34:51.363771+00', '2026-11-28 23:34:51.363765+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run3', NULL, NULL),
	(1, 'accounts', 'Account', '2', 'A2', NULL, 'upsert', '2026-01-01 00:02:00+00', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'ValidationRule', 'admin', 'This name is not welcome', '{Name}', 'open', NULL, false, 2, 1, '2026-11-28 23:34:51.123028+00', '2026-11-28 23:34:51.454246+00', '2026-11-29 22:34:51.454246+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run4', NULL, NULL),
	(4, 'accounts', 'Account', '5', 'A5', NULL, 'upsert', '2026-01-01 00:08:00+00', 'INSUFFICIENT_ACCESS_OR_READONLY', 'NoAccessToRecord', 'structural', 'insufficient access rights on object id', '{}', 'resolved', NULL, false, 1, 0, '2026-11-28 23:34:51.530283+00', '2026-11-28 23:34:51.530283+00', '2026-11-28 23:34:51.530276+00', '2026-11-28 23:34:51.642028+00', 'CRMExport', NULL, NULL, 'CRMExport', 'run5', NULL, NULL),
	(5, 'accounts', 'Account', '21', 'A21', NULL, 'upsert', '2026-01-01 00:21:00+00', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'ValidationRule', 'admin', 'This name is not welcome', '{Name}', 'open', NULL, true, 1, 0, '2026-11-28 23:34:52.040648+00', '2026-11-28 23:34:52.040648+00', '2026-11-28 23:34:52.040638+00', NULL, NULL, NULL, NULL, 'CRMExport', 'run10', NULL, NULL);
ALTER TABLE crm_export.exporterrors ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exporterrorattempts DISABLE TRIGGER ALL;
INSERT INTO crm_export.exporterrorattempts (id, error, attempted_at, run, record_changed_at, outcome, error_code, error_message) OVERRIDING SYSTEM VALUE VALUES
	(1, 1, '2026-11-28 23:34:51.133331+00', 1, '2026-01-01 00:02:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome'),
	(2, 2, '2026-11-28 23:34:51.364217+00', 3, '2026-01-01 02:00:00+00', 'refused', 'INVALID_FIELD', 'Foreign key external ID: A2 not found for field Ext__c in entity Account'),
	(3, 1, '2026-11-28 23:34:51.454418+00', 4, '2026-01-01 00:02:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome'),
	(4, 4, '2026-11-28 23:34:51.531542+00', 5, '2026-01-01 00:08:00+00', 'refused', 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id'),
	(5, 4, '2026-11-28 23:34:51.642152+00', 6, '2026-01-01 00:09:00+00', 'accepted', NULL, NULL),
	(6, 5, '2026-11-28 23:34:52.041039+00', 10, '2026-01-01 00:21:00+00', 'refused', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'This name is not welcome');
ALTER TABLE crm_export.exporterrorattempts ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportfindings DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportfindings (id, stream, kind, subject, told, first_seen_at, last_seen_at, closed_at, run) OVERRIDING SYSTEM VALUE VALUES
	(2, 'accounts', 'no_source_row', 'A99', 'Account 001000000000008AAA has no row in app.accounts; delete it there, or restore the row.', '2026-11-28 23:34:51.845931+00', '2026-11-28 23:34:51.845931+00', NULL, 8),
	(1, 'accounts', 'late_row', '11', 'Its change time was at or below the watermark when it came; it was exported by its key.', '2026-11-28 23:34:51.732987+00', '2026-11-28 23:34:51.732987+00', '2026-11-28 23:34:51.890338+00', 7);
ALTER TABLE crm_export.exportfindings ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exporttrials DISABLE TRIGGER ALL;
INSERT INTO crm_export.exporttrials (audit, asked_by, asked_at, error, ended_at, accepted, request, answer, message) VALUES
	(2, 'olga', '2026-11-28 23:34:52.085278+00', 1, '2026-11-28 23:34:52.088293+00', NULL, NULL, NULL, 'Nobody was there.');
ALTER TABLE crm_export.exporttrials ENABLE TRIGGER ALL;
ALTER TABLE crm_export.exportwatermarks DISABLE TRIGGER ALL;
INSERT INTO crm_export.exportwatermarks (stream, cursor_at, record_key, stopped_at_error_id, held_since, lease_owner, lease_epoch, lease_until, mapping, mapping_fingerprint, described, described_at, organization_id, database_identity, instance_url, updated_at) VALUES
	('contacts', '2026-01-01 02:00:00+00', 'c2', NULL, NULL, NULL, 2, NULL, '{"key": "id", "cursor": "changed_at", "fields": {"Ext__c": "ext", "LastName": "name", "Account.Ext__c": "account"}, "object": "Contact", "source": "app.contacts", "deleted": null, "operation": "upsert", "external_id": "Ext__c"}', '788d019a442ecd15f290ab6e26e1449d268153c4a6d618f47c63cbe407f57fa6', '{"fields": {"Ext__c": {"name": "Ext__c", "type": "string", "createable": true, "identifies": true, "updateable": true, "case_sensitive": false}, "LastName": {"name": "LastName", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Account.Ext__c": {"name": "AccountId", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}}, "object": "Contact", "lookups": {"Account": "AccountId"}}', '2026-11-28 23:34:51.343129+00', '00Dxx0000001gPL', NULL, 'https://127.0.0.1:43009', '2026-11-28 23:34:51.369057+00'),
	('samples', '2026-01-01 00:00:04+00', '4', NULL, NULL, NULL, 1, NULL, '{"key": "id", "cursor": "changed_at", "fields": {"Ext__c": "ext", "Text__c": "text"}, "object": "Sample__c", "source": "app.samples", "deleted": null, "operation": "upsert", "external_id": "Ext__c"}', 'c4b21498813358d091b8f1322c21ac0054aa354c8cb9cc92fdfdba90592b3fef', '{"fields": {"Ext__c": {"name": "Ext__c", "type": "string", "createable": true, "identifies": true, "updateable": true, "case_sensitive": true}, "Text__c": {"name": "Text__c", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}}, "object": "Sample__c", "lookups": {}}', '2026-11-28 23:34:52.276537+00', '00Dxx0000001gPL', NULL, 'https://127.0.0.1:43009', '2026-11-28 23:34:52.29816+00'),
	('accounts', '2026-01-01 00:20:00+00', '20', 5, '2026-11-28 23:34:52.067677+00', NULL, 8, NULL, '{"key": "id", "cursor": "changed_at", "fields": {"Name": "name", "Ext__c": "ext", "Kind__c": "kind", "Notes__c": "notes", "Amount__c": "amount"}, "object": "Account", "source": "app.accounts", "deleted": "deleted_at", "operation": "upsert", "external_id": "Ext__c"}', 'b9f2899531a7a5880567bf0be76e0819c8da52982895a7c825a670bd3cd5dbc5', '{"fields": {"Name": {"name": "Name", "type": "string", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Ext__c": {"name": "Ext__c", "type": "string", "createable": true, "identifies": true, "updateable": true, "case_sensitive": false}, "Kind__c": {"name": "Kind__c", "type": "picklist", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Notes__c": {"name": "Notes__c", "type": "textarea", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}, "Amount__c": {"name": "Amount__c", "type": "double", "createable": true, "identifies": false, "updateable": true, "case_sensitive": false}}, "object": "Account", "lookups": {}}', '2026-11-28 23:34:51.084362+00', '00Dxx0000001gPL', '7713369905155352232/1', 'https://127.0.0.1:43009', '2026-11-28 23:34:52.053002+00');
ALTER TABLE crm_export.exportwatermarks ENABLE TRIGGER ALL;
SELECT pg_catalog.setval('crm_export.exportaudit_id_seq', 3, true);
SELECT pg_catalog.setval('crm_export.exportbatches_id_seq', 11, true);
SELECT pg_catalog.setval('crm_export.exportedversions_id_seq', 12, true);
SELECT pg_catalog.setval('crm_export.exporterrorattempts_id_seq', 6, true);
SELECT pg_catalog.setval('crm_export.exporterrors_id_seq', 5, true);
SELECT pg_catalog.setval('crm_export.exportfindings_id_seq', 2, true);
SELECT pg_catalog.setval('crm_export.exportruns_id_seq', 12, true);
