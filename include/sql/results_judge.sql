-- Keeps what the text of a refusal means.
insert into crm_export_verdicts (error, code, name, class, message, fields, parent_object, parent_external_id, again)
values (%(error)s, %(code)s, %(name)s, %(class)s, %(message)s, %(fields)s, %(parent_object)s,
        %(parent_external_id)s, %(again)s)
