-- Stores the verdicts on the texts.
copy crm_export_verdicts from stdin
