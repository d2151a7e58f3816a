-- Makes the row of a stream that runs for the first time.
insert into crm_export.ExportWatermarks (stream) values (%(stream)s) on conflict do nothing
