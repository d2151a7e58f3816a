-- Records why the runs of an action could not be started.
update crm_export.ExportAudit set problem = %(problem)s where id = %(audit)s
