-- Writes what a person did.
insert into crm_export.ExportAudit (
    actor, action, setting, from_value, to_value, acknowledgement, reason, until, selection)
values (%(actor)s, %(action)s, %(setting)s, %(from_value)s, %(to_value)s, %(acknowledgement)s, %(reason)s,
        %(until)s, %(selection)s)
returning id, at
