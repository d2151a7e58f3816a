-- Keeps what the texts mean.
copy crm_export_verdicts from stdin
