-- Takes over records that arrived as a JSON array.
insert into received
select * from json_populate_recordset(null::received, %(records)s::json)
